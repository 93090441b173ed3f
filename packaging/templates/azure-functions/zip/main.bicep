targetScope = 'subscription'

@minLength(1)
@maxLength(40)
@description('Name of the environment; names of all resources are made from it.')
param environmentName string

@description('Region of all resources. It must have the Flex Consumption plan.')
param location string

@allowed([512, 2048, 4096])
@description('Memory of an instance in MB.')
param instanceMemoryMB int = 2048

@minValue(40)
@maxValue(1000)
@description('Most instances that run at a time.')
param maximumInstanceCount int = 100

@minValue(0)
@maxValue(1000)
@description('Instances that are kept warm for requests and paid for while they wait.')
param alwaysReadyInstances int = 0

@minValue(0)
@maxValue(1000)
@description('Requests that one instance gets at a time. 0: the platform chooses by the memory of an instance.')
param httpConcurrency int = 0

@allowed(['22', '24'])
@description('Major version of Node.')
param nodeVersion string = '22'

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
    instanceMemoryMB: instanceMemoryMB
    maximumInstanceCount: maximumInstanceCount
    alwaysReadyInstances: alwaysReadyInstances
    httpConcurrency: httpConcurrency
    nodeVersion: nodeVersion
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
output FUNCTION_APP_NAME string = app.outputs.name
output SCORE_URL string = app.outputs.scoreUrl
