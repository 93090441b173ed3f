targetScope = 'subscription'

@minLength(1)
@maxLength(40)
@description('Name of the environment; names of all resources are made from it.')
param environmentName string

@description('Region of all resources.')
param location string

@description('The image in the registry. Empty before the first deployment.')
param image string = ''

@allowed([1, 2, 4, 6, 8])
@description('Memory of a replica in GB; each 2 GB come with one processor core.')
param memoryGB int = 2

@minValue(0)
@maxValue(1000)
@description('Replicas that are kept and paid for while they wait.')
param minReplicas int = 0

@minValue(1)
@maxValue(1000)
@description('Most replicas that run at a time.')
param maxReplicas int = 10

@minValue(30)
@maxValue(730)
@description('Days that log records are kept.')
param logRetentionDays int = 30

@description('Where host and app send OpenTelemetry by HTTP: https://HOST:4318. Empty: the host sends to Application Insights only, in its own way.')
param otlpEndpoint string = ''

@secure()
@description('Headers that go with it: NAME=VALUE, separated by commas.')
param otlpHeaders string = ''

@secure()
@description('Where the model is fetched from before init(): https://ACCOUNT.blob.core.windows.net/CONTAINER/FOLDER. Empty if the model is part of the app.')
param modelUri string = ''

@description('Storage account that holds the model: the app may read its blobs. Empty if there is none, or modelUri has a SAS.')
param modelStorageAccount string = ''

@description('Resource group of that storage account.')
param modelStorageGroup string = ''

@description('File share in that storage account that is mounted as the model folder. Empty if there is none.')
param modelShare string = ''

resource group 'Microsoft.Resources/resourceGroups@2024-03-01' = {
  name: 'rg-${environmentName}'
  location: location
  tags: { 'azd-env-name': environmentName }
}

module app 'app.bicep' = {
  name: 'app'
  scope: group
  params: {
    environmentName: environmentName
    location: location
    image: image
    memoryGB: memoryGB
    minReplicas: minReplicas
    maxReplicas: maxReplicas
    logRetentionDays: logRetentionDays
    otlpEndpoint: otlpEndpoint
    otlpHeaders: otlpHeaders
    modelUri: modelUri
    modelStorageAccount: modelStorageAccount
    modelStorageGroup: modelStorageGroup
    modelShare: modelShare
  }
}

module modelAccess 'model-access.bicep' = if (!empty(modelStorageAccount) && !empty(modelUri)) {
  name: 'model-access'
  scope: resourceGroup(empty(modelStorageGroup) ? group.name : modelStorageGroup)
  params: {
    storageAccountName: modelStorageAccount
    principalId: app.outputs.principalId
  }
}

output AZURE_LOCATION string = location
output AZURE_RESOURCE_GROUP string = group.name
output AZURE_CONTAINER_REGISTRY_ENDPOINT string = app.outputs.registryEndpoint
output CONTAINER_APP_NAME string = app.outputs.name
output SCORE_URL string = app.outputs.scoreUrl
