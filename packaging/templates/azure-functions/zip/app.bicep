// What the names and numbers mean is written in main.bicep.
param environmentName string
param location string
param instanceMemoryMB int
param maximumInstanceCount int
param alwaysReadyInstances int
param httpConcurrency int
param nodeVersion string
param logRetentionDays int
param otlpEndpoint string
@secure()
param otlpHeaders string
@secure()
param modelUri string
param modelStorageAccount string
param modelStorageGroup string
param modelShare string

var token = toLower(uniqueString(subscription().id, resourceGroup().id, environmentName))
var packages = 'app-packages'

// Known to all other resources before the app is, so that its first start finds its rights in place.
resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = {
  name: 'id-${token}'
  location: location
}

resource storage 'Microsoft.Storage/storageAccounts@2023-05-01' = {
  name: 'st${token}'
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
  name: 'log-${token}'
  location: location
  properties: {
    retentionInDays: logRetentionDays
    sku: { name: 'PerGB2018' }
  }
}

resource insights 'Microsoft.Insights/components@2020-02-02' = {
  name: 'appi-${token}'
  location: location
  kind: 'web'
  properties: {
    Application_Type: 'web'
    DisableLocalAuth: true
    WorkspaceResourceId: workspace.id
  }
}

// Roles by their fixed ids.
var storageBlobDataOwner = 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b'
var monitoringMetricsPublisher = '3913510d-42f4-4e42-8a64-420c390055eb'

resource storageAccess 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(storage.id, identity.id, storageBlobDataOwner)
  scope: storage
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', storageBlobDataOwner)
    principalId: identity.properties.principalId
    principalType: 'ServicePrincipal'
  }
}

resource telemetryAccess 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(insights.id, identity.id, monitoringMetricsPublisher)
  scope: insights
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', monitoringMetricsPublisher)
    principalId: identity.properties.principalId
    principalType: 'ServicePrincipal'
  }
}

resource plan 'Microsoft.Web/serverfarms@2024-04-01' = {
  name: 'plan-${token}'
  location: location
  kind: 'functionapp'
  sku: {
    name: 'FC1'
    tier: 'FlexConsumption'
  }
  properties: { reserved: true }
}

var settings = concat(
  [
    {
      name: 'AzureWebJobsStorage__accountName'
      value: storage.name
    }
    {
      name: 'AzureWebJobsStorage__credential'
      value: 'managedidentity'
    }
    {
      name: 'AzureWebJobsStorage__clientId'
      value: identity.properties.clientId
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
      value: 'ClientId=${identity.properties.clientId};Authorization=AAD'
    }
    {
      name: 'AZURE_CLIENT_ID'
      value: identity.properties.clientId
    }
  ],
  empty(otlpEndpoint) ? [] : [
    // As "telemetryMode" in host.json: the spans of the app are parts of the host's.
    {
      name: 'AzureFunctionsJobHost__telemetryMode'
      value: 'OpenTelemetry'
    }
    {
      name: 'OTEL_EXPORTER_OTLP_ENDPOINT'
      value: otlpEndpoint
    }
    // The host's own default is gRPC, which the app does not speak.
    {
      name: 'OTEL_EXPORTER_OTLP_PROTOCOL'
      value: 'http/protobuf'
    }
  ],
  empty(otlpEndpoint) || empty(otlpHeaders) ? [] : [
    {
      name: 'OTEL_EXPORTER_OTLP_HEADERS'
      value: otlpHeaders
    }
  ],
  empty(modelUri) ? [] : [
    {
      name: 'SCOREFN_MODEL_URI'
      value: modelUri
    }
  ],
  empty(modelShare) ? [] : [
    {
      name: 'AZUREML_MODEL_DIR'
      value: '/mounts/model'
    }
  ]
)

resource app 'Microsoft.Web/sites@2024-04-01' = {
  name: 'func-${token}'
  location: location
  kind: 'functionapp,linux'
  tags: { 'azd-service-name': 'api' }
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: { '${identity.id}': {} }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    functionAppConfig: {
      deployment: {
        storage: {
          type: 'blobContainer'
          value: '${storage.properties.primaryEndpoints.blob}${packages}'
          authentication: {
            type: 'UserAssignedIdentity'
            userAssignedIdentityResourceId: identity.id
          }
        }
      }
      scaleAndConcurrency: union(
        {
          instanceMemoryMB: instanceMemoryMB
          maximumInstanceCount: maximumInstanceCount
          alwaysReady: alwaysReadyInstances == 0 ? [] : [
            {
              name: 'http'
              instanceCount: alwaysReadyInstances
            }
          ]
        },
        httpConcurrency == 0 ? {} : { triggers: { http: { perInstanceConcurrency: httpConcurrency } } }
      )
      runtime: {
        name: 'node'
        version: nodeVersion
      }
    }
    siteConfig: { appSettings: settings }
  }
  dependsOn: [
    storage::blobs::container
    storageAccess
    telemetryAccess
  ]
}

resource modelStorage 'Microsoft.Storage/storageAccounts@2023-05-01' existing = if (!empty(modelShare)) {
  name: modelStorageAccount
  scope: resourceGroup(empty(modelStorageGroup) ? resourceGroup().name : modelStorageGroup)
}

// Azure Files is mounted with a key of the storage account, which the platform keeps; it takes no identity.
resource modelMount 'Microsoft.Web/sites/config@2024-04-01' = if (!empty(modelShare)) {
  parent: app
  name: 'azurestorageaccounts'
  properties: {
    model: {
      type: 'AzureFiles'
      accountName: modelStorageAccount
      shareName: modelShare
      mountPath: '/mounts/model'
      accessKey: modelStorage.listKeys().keys[0].value
    }
  }
}

output name string = app.name
output principalId string = identity.properties.principalId
output scoreUrl string = 'https://${app.properties.defaultHostName}/score'
