// What the names and numbers mean is written in main.bicep.
param environmentName string
param location string
param image string
param memoryGB int
param minReplicas int
param maxReplicas int
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

resource registry 'Microsoft.ContainerRegistry/registries@2023-07-01' = {
  name: 'cr${token}'
  location: location
  sku: { name: 'Basic' }
  properties: { adminUserEnabled: false }
}

// Roles by their fixed ids.
var storageBlobDataOwner = 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b'
var monitoringMetricsPublisher = '3913510d-42f4-4e42-8a64-420c390055eb'
var acrPull = '7f951dda-4ed3-4680-a7ca-43fe172d538d'

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

resource imageAccess 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(registry.id, identity.id, acrPull)
  scope: registry
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', acrPull)
    principalId: identity.properties.principalId
    principalType: 'ServicePrincipal'
  }
}

resource containerEnvironment 'Microsoft.App/managedEnvironments@2024-10-02-preview' = {
  name: 'cae-${token}'
  location: location
  properties: {
    appLogsConfiguration: {
      destination: 'log-analytics'
      logAnalyticsConfiguration: {
        customerId: workspace.properties.customerId
        sharedKey: workspace.listKeys().primarySharedKey
      }
    }
    workloadProfiles: [
      {
        name: 'Consumption'
        workloadProfileType: 'Consumption'
      }
    ]
  }
}

resource modelStorage 'Microsoft.Storage/storageAccounts@2023-05-01' existing = if (!empty(modelShare)) {
  name: modelStorageAccount
  scope: resourceGroup(empty(modelStorageGroup) ? resourceGroup().name : modelStorageGroup)
}

// Azure Files is mounted with a key of the storage account, which the platform keeps; it takes no identity.
resource modelMount 'Microsoft.App/managedEnvironments/storages@2024-10-02-preview' = if (!empty(modelShare)) {
  parent: containerEnvironment
  name: 'model'
  properties: {
    azureFile: {
      accountName: modelStorageAccount
      accountKey: modelStorage.listKeys().keys[0].value
      shareName: modelShare
      accessMode: 'ReadOnly'
    }
  }
}

// Processor cores that come with so many GB.
var cores = { '1': '0.5', '2': '1', '4': '2', '6': '3', '8': '4' }

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
    {
      name: 'AzureWebJobsSecretStorageType'
      value: 'blob'
    }
    // For the image that stands in before the first deployment.
    {
      name: 'ASPNETCORE_URLS'
      value: 'http://+:8080'
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
      secretRef: 'otlp-headers'
    }
  ],
  empty(modelUri) ? [] : [
    {
      name: 'SCOREFN_MODEL_URI'
      secretRef: 'model-uri'
    }
  ],
  empty(modelShare) ? [] : [
    {
      name: 'AZUREML_MODEL_DIR'
      value: '/mounts/model'
    }
  ]
)

resource app 'Microsoft.App/containerApps@2024-10-02-preview' = {
  name: 'ca-${token}'
  location: location
  kind: 'functionapp'
  tags: { 'azd-service-name': 'api' }
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: { '${identity.id}': {} }
  }
  properties: {
    environmentId: containerEnvironment.id
    workloadProfileName: 'Consumption'
    configuration: {
      activeRevisionsMode: 'Single'
      ingress: {
        external: true
        targetPort: 8080
        transport: 'auto'
        allowInsecure: false
      }
      registries: [
        {
          server: registry.properties.loginServer
          identity: identity.id
        }
      ]
      secrets: concat(
        empty(otlpHeaders) ? [] : [
          {
            name: 'otlp-headers'
            value: otlpHeaders
          }
        ],
        empty(modelUri) ? [] : [
          {
            name: 'model-uri'
            value: modelUri
          }
        ]
      )
    }
    template: {
      containers: [
        {
          name: 'score'
          image: empty(image) ? 'mcr.microsoft.com/azure-functions/node:4-node22' : image
          env: settings
          resources: {
            cpu: json(cores[string(memoryGB)])
            memory: '${memoryGB}Gi'
          }
          volumeMounts: empty(modelShare) ? [] : [
            {
              volumeName: 'model'
              mountPath: '/mounts/model'
            }
          ]
        }
      ]
      volumes: empty(modelShare) ? [] : [
        {
          name: 'model'
          storageType: 'AzureFile'
          storageName: 'model'
        }
      ]
      scale: {
        minReplicas: minReplicas
        maxReplicas: maxReplicas
      }
    }
  }
  dependsOn: [
    storageAccess
    telemetryAccess
    imageAccess
    modelMount
  ]
}

output name string = app.name
output principalId string = identity.properties.principalId
output registryEndpoint string = registry.properties.loginServer
output scoreUrl string = 'https://${app.properties.configuration.ingress.fqdn}/score'
