/** A random GUID (version 4) in lower case. It names a request and protects nothing, so it need not come from node:crypto,
 *  which takes a function longer to load than its first answer takes to compute. */
export function newRequestId(): string {
  const a = bits();
  const b = bits();
  const c = bits();
  const d = bits();
  const time = `${hex(a)}-${HEX[(b >>> 24) & 0xff]}${HEX[(b >>> 16) & 0xff]}`;
  const version = `4${HEX[(b >>> 8) & 0xff]![0]}${HEX[b & 0xff]}`;
  const variant = `${HEX[((c >>> 24) & 0x3f) | 0x80]}${HEX[(c >>> 16) & 0xff]}`;
  return `${time}-${version}-${variant}-${HEX[(c >>> 8) & 0xff]}${HEX[c & 0xff]}${hex(d)}`;
}

const HEX: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

/** 32 random bits in 8 hexadecimal digits. */
export function hexBits(): string {
  return hex(bits());
}

function bits(): number {
  return Math.floor(Math.random() * 0x1_0000_0000);
}

function hex(value: number): string {
  return `${HEX[value >>> 24]}${HEX[(value >>> 16) & 0xff]}${HEX[(value >>> 8) & 0xff]}${HEX[value & 0xff]}`;
}
