import { BadInputError, type ScoreError } from "../core/errors.ts";
import { listVersions, parseSwaggerVersion, type SwaggerVersion } from "../core/swagger-versions.ts";
import type { ScriptSchemas } from "../core/types.ts";
import { renderPythonJson } from "../json/python-json.ts";
import { parseQuery } from "../json/query.ts";
import { ownText, type SwaggerSources, servedVersions } from "./served.ts";

/** What the document says of the service as a whole. */
export interface ServiceDescription {
  readonly serviceName: string;
  readonly serviceVersion: string;
  /** Slashes at either end do not matter (contract SW-9). */
  readonly servicePathPrefix: string;
}

export interface SwaggerBookOptions extends ServiceDescription, SwaggerSources {}

/** The documents of one service, each rendered once, when it is first asked for. */
export interface SwaggerBook {
  readonly versions: readonly SwaggerVersion[];
  /** What a GET asks for (contract SW-1, SW-2, SW-5, SW-6).
   *  @param rawQuery still percent-encoded, without the leading `?`
   *  @returns JSON text, or why there is no such document */
  lookup(rawQuery: string): string | ScoreError;
}

export function createSwaggerBook(options: SwaggerBookOptions): SwaggerBook {
  const { schemas, swaggerFiles = [] } = options;
  const texts = new Map<SwaggerVersion, string>();
  const versions = servedVersions(options);
  const list = listVersions(versions);
  const generated = (version: SwaggerVersion): string =>
    generateSwagger(options, version, schemas?.dialects?.[version] ?? schemas);

  return {
    versions,
    lookup(rawQuery) {
      const asked = parseQuery(rawQuery).find(([key]) => key === "version")?.[1] ?? DEFAULT_VERSION;
      const version = parseSwaggerVersion(asked);
      if (version === undefined) {
        return notFound(`Swagger version [${asked}] is not valid. Supported versions: ${list}.`);
      }
      if (!versions.includes(version)) {
        return notFound(
          `Swagger version [${asked}] is not supported for the scoring script. Supported swagger versions: ${list}.`,
        );
      }
      const body = texts.get(version) ?? ownText(swaggerFiles, version) ?? generated(version);
      texts.set(version, body);
      return body;
    },
  };
}

/** The text of one generated document (contract SW-9 to SW-13, Appendix A). */
export function generateSwagger(
  service: ServiceDescription,
  version: SwaggerVersion,
  declared?: Pick<ScriptSchemas, "input" | "output">,
): string {
  const schemas = {
    ServiceInput: declared?.input ?? ANY_OBJECT,
    ServiceOutput: declared?.output ?? ANY_OBJECT,
    ErrorResponse: { type: "object", properties: { message: { type: "string" } } },
  };
  return renderPythonJson(
    version === "2" ? swagger2(service, schemas) : openApi3(service, schemas, version === "3" ? "3.0.3" : "3.1.0"),
  );
}

const DEFAULT_VERSION = "2";
/** What is said of a script that declares no schema (contract SW-11). */
const ANY_OBJECT = { type: "object", example: {} };

const BEARER = {
  type: "apiKey",
  name: "Authorization",
  in: "header",
  description: "For example: Bearer abc123",
};
const ERROR_DESCRIPTION = "The service failed to execute due to an error.";
const HEALTHY_DESCRIPTION = "If service is up and running, this response will be returned with the content 'Healthy'";
const SCORED_DESCRIPTION = "The service processed the input correctly and provided a result prediction, if applicable.";
const INPUT_DESCRIPTION = "The input payload for executing the real-time machine learning service.";
const SPECIFICATION_DESCRIPTION = "The Swagger specification.";
/** 3.1 is served all the same; the list is the reference server's (contract SW-16). */
const VERSION_CHOICES = { type: "integer", enum: [2, 3] };

interface Schemas {
  readonly ServiceInput: unknown;
  readonly ServiceOutput: unknown;
  readonly ErrorResponse: unknown;
}

function swagger2(service: ServiceDescription, schemas: Schemas): object {
  const failure = { description: ERROR_DESCRIPTION, schema: reference("#/definitions/ErrorResponse") };
  return {
    swagger: "2.0",
    info: info(service),
    schemes: ["https"],
    consumes: ["application/json"],
    produces: ["application/json"],
    securityDefinitions: { Bearer: BEARER },
    paths: paths(service, {
      health: {
        responses: {
          200: {
            description: HEALTHY_DESCRIPTION,
            schema: { type: "string" },
            examples: { "application/json": "Healthy" },
          },
          default: failure,
        },
      },
      score: {
        parameters: [
          {
            name: "serviceInputPayload",
            in: "body",
            description: INPUT_DESCRIPTION,
            schema: reference("#/definitions/ServiceInput"),
          },
        ],
        responses: {
          200: { description: SCORED_DESCRIPTION, schema: reference("#/definitions/ServiceOutput") },
          default: failure,
        },
      },
      specification: {
        parameters: [{ name: "version", in: "query", required: false, ...VERSION_CHOICES }],
        responses: {
          200: { description: SPECIFICATION_DESCRIPTION, schema: { type: "string" } },
          default: failure,
        },
      },
    }),
    definitions: schemas,
  };
}

function openApi3(service: ServiceDescription, schemas: Schemas, openapi: string): object {
  const failure = {
    description: ERROR_DESCRIPTION,
    content: { "application/json": { schema: reference("#/components/schemas/ErrorResponse") } },
  };
  return {
    openapi,
    info: info(service),
    security: [{ Bearer: [] }],
    paths: paths(service, {
      health: {
        responses: {
          200: {
            description: HEALTHY_DESCRIPTION,
            content: { "text/plain": { schema: { type: "string", example: "Healthy" } } },
          },
          default: failure,
        },
      },
      score: {
        requestBody: {
          description: INPUT_DESCRIPTION,
          content: { "application/json": { schema: reference("#/components/schemas/ServiceInput") } },
        },
        responses: {
          200: {
            description: SCORED_DESCRIPTION,
            content: { "application/json": { schema: reference("#/components/schemas/ServiceOutput") } },
          },
          default: failure,
        },
      },
      specification: {
        parameters: [{ name: "version", in: "query", required: false, schema: VERSION_CHOICES }],
        responses: {
          200: { description: SPECIFICATION_DESCRIPTION, content: { "text/plain": { schema: { type: "string" } } } },
          default: failure,
        },
      },
    }),
    components: { schemas, securitySchemes: { Bearer: BEARER } },
  };
}

/** The parts of the three operations in which the versions differ. */
interface Operations {
  readonly health: object;
  readonly score: object;
  readonly specification: object;
}

function paths(service: ServiceDescription, { health, score, specification }: Operations): object {
  const prefix = pathPrefix(service.servicePathPrefix);
  return {
    [`${prefix}/`]: {
      get: {
        operationId: "ServiceHealthCheck",
        description: "Simple health check endpoint to ensure the service is up at any given point.",
        ...health,
      },
    },
    [`${prefix}/score`]: {
      post: {
        operationId: "RunMLService",
        description: "Run web service's model and get the prediction output",
        security: [{ Bearer: [] }],
        ...score,
      },
    },
    [`${prefix}/swagger.json`]: {
      get: { operationId: "GetSwaggerSpec", description: "Get the Swagger specification.", ...specification },
    },
  };
}

function info({ serviceName, serviceVersion }: ServiceDescription): object {
  return {
    title: serviceName,
    description: `API specification for the Azure Machine Learning service ${serviceName}`,
    version: serviceVersion,
  };
}

function reference(pointer: string): object {
  return { $ref: pointer };
}

function pathPrefix(setting: string): string {
  const path = setting.replace(/^\/+|\/+$/g, "");
  return path === "" ? "" : `/${path}`;
}

function notFound(message: string): ScoreError {
  return new BadInputError("ERR_NOT_FOUND", message);
}
