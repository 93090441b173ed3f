// What is used of onnxruntime-node, which is no dependency.

export interface Ort {
  readonly env: { logLevel?: string; readonly versions?: { readonly node?: string } };
  readonly InferenceSession: { create(model: string | Uint8Array, options: object): Promise<OrtSession> };
  readonly Tensor: new (type: string, data: unknown, dims: readonly number[]) => OrtTensor;
}

export interface OrtTensor {
  type: string;
  readonly data: unknown;
  readonly dims: readonly number[];
}

/** A named dimension has its name, an unnamed one is "" (ONNX-2). */
export type OrtValue =
  | {
      readonly name: string;
      readonly isTensor: true;
      readonly type: string;
      readonly shape: readonly (number | string)[];
    }
  | { readonly name: string; readonly isTensor: false };

export interface OrtSession {
  readonly inputMetadata: readonly OrtValue[];
  readonly outputMetadata: readonly OrtValue[];
  run(
    feeds: Readonly<Record<string, OrtTensor>>,
    fetches: readonly string[],
  ): Promise<Readonly<Record<string, OrtTensor>>>;
  release(): Promise<void>;
}
