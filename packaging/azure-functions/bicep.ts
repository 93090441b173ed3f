// Infrastructure for the Flex Consumption plan. Nothing in it holds a secret: storage and telemetry know the app by its
// managed identity.

export interface BicepOptions {
  /** Memory of an instance in MB: 512, 2048 or 4096. */
  readonly memoryMb: number;
  /** Major version of Node. */
  readonly node: number;
}

/** For `azd` and `az deployment sub create`: makes the resource group. */
export const MAIN_BICEP = `targetScope = 'subscription'

@minLength(1)
@maxLength(40)
@description('Name of the environment; names of all resources are made from it.')
param environmentName string

@description('Region of all resources. It must have the Flex Consumption plan.')
param location string

resource group 'Microsoft.Resources/resourceGroups@2024-03-01' = {
  name: 'rg-\${environmentName}'
  location: location
  tags: { 'azd-env-name': environmentName }
}

module app 'app.bicep' = {
  name: 'app'
  scope: group
  params: {
    environmentName: environmentName
    location: location
  }
}

output AZURE_LOCATION string = location
output AZURE_RESOURCE_GROUP string = group.name
output FUNCTION_APP_NAME string = app.outputs.name
output SCORE_URL string = app.outputs.scoreUrl
`;

export const MAIN_PARAMETERS = `{
  "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentParameters.json#",
  "contentVersion": "1.0.0.0",
  "parameters": {
    "environmentName": { "value": "\${AZURE_ENV_NAME}" },
    "location": { "value": "\${AZURE_LOCATION}" }
  }
}
`;

/** Roles by their fixed ids. */
const STORAGE_BLOB_DATA_OWNER = "b7e6dc6d-f1e8-4753-8033-0f276bb0955b";
const MONITORING_METRICS_PUBLISHER = "3913510d-42f4-4e42-8a64-420c390055eb";

/** The function app, its plan, storage and telemetry. */
export function renderAppBicep({ memoryMb, node }: BicepOptions): string {
  return `@description('Name of the environment; names of all resources are made from it.')
param environmentName string

param location string = resourceGroup().location

@allowed([512, 2048, 4096])
@description('Memory of one instance in MB.')
param instanceMemoryMB int = ${memoryMb}

@minValue(40)
@maxValue(1000)
param maximumInstanceCount int = 100

@description('Instances that are kept warm for requests; each is paid for while it waits.')
param alwaysReadyInstances int = 0

var token = toLower(uniqueString(subscription().id, resourceGroup().id, environmentName))
var packages = 'app-packages'

resource storage 'Microsoft.Storage/storageAccounts@2023-05-01' = {
  name: 'st\${token}'
  location: location
  kind: 'StorageV2'
  sku: { name: 'Standard_LRS' }
  properties: {
    allowBlobPublicAccess: false
    allowSharedKeyAccess: false
    minimumTlsVersion: 'TLS1_2'
  }

  resource blobs 'blobServices' = {
    name: 'default'

    resource container 'containers' = {
      name: packages
    }
  }
}

resource workspace 'Microsoft.OperationalInsights/workspaces@2023-09-01' = {
  name: 'log-\${token}'
  location: location
  properties: {
    retentionInDays: 30
    sku: { name: 'PerGB2018' }
  }
}

resource insights 'Microsoft.Insights/components@2020-02-02' = {
  name: 'appi-\${token}'
  location: location
  kind: 'web'
  properties: {
    Application_Type: 'web'
    DisableLocalAuth: true
    WorkspaceResourceId: workspace.id
  }
}

resource plan 'Microsoft.Web/serverfarms@2024-04-01' = {
  name: 'plan-\${token}'
  location: location
  kind: 'functionapp'
  sku: {
    name: 'FC1'
    tier: 'FlexConsumption'
  }
  properties: { reserved: true }
}

resource app 'Microsoft.Web/sites@2024-04-01' = {
  name: 'func-\${token}'
  location: location
  kind: 'functionapp,linux'
  tags: { 'azd-service-name': 'api' }
  identity: { type: 'SystemAssigned' }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    functionAppConfig: {
      deployment: {
        storage: {
          type: 'blobContainer'
          value: '\${storage.properties.primaryEndpoints.blob}\${packages}'
          authentication: { type: 'SystemAssignedIdentity' }
        }
      }
      scaleAndConcurrency: {
        instanceMemoryMB: instanceMemoryMB
        maximumInstanceCount: maximumInstanceCount
        alwaysReady: alwaysReadyInstances == 0 ? [] : [
          {
            name: 'http'
            instanceCount: alwaysReadyInstances
          }
        ]
      }
      runtime: {
        name: 'node'
        version: '${node}'
      }
    }
    siteConfig: {
      appSettings: [
        {
          name: 'AzureWebJobsStorage__accountName'
          value: storage.name
        }
        {
          name: 'AzureWebJobsDisableHomepage'
          value: 'true'
        }
        {
          name: 'APPLICATIONINSIGHTS_CONNECTION_STRING'
          value: insights.properties.ConnectionString
        }
        {
          name: 'APPLICATIONINSIGHTS_AUTHENTICATION_STRING'
          value: 'Authorization=AAD'
        }
      ]
    }
  }
  dependsOn: [storage::blobs::container]
}

${roleAssignment("storageAccess", "storage", "blob-data-owner", STORAGE_BLOB_DATA_OWNER)}

${roleAssignment("telemetryAccess", "insights", "metrics-publisher", MONITORING_METRICS_PUBLISHER)}

output name string = app.name
output scoreUrl string = 'https://\${app.properties.defaultHostName}/score'
`;
}

/** Gives the app's identity a role on another resource. */
function roleAssignment(name: string, scope: string, seed: string, role: string): string {
  return `resource ${name} 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(${scope}.id, app.id, '${seed}')
  scope: ${scope}
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', '${role}')
    principalId: app.identity.principalId
    principalType: 'ServicePrincipal'
  }
}`;
}
