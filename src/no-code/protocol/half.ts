// Half precision, which Node 20 has no type for: bits in a Uint16Array.

const BIAS = 15;
const FRACTION_BITS = 10;
const INFINITY_BITS = 0x7c00;
const NAN_BITS = 0x7e00;
/** Halfway between the greatest half and what would follow it: from here on it is infinity. */
const OVERFLOW = 65520;
const MIN_NORMAL = 2 ** -14;
/** Subnormal halves are multiples of its inverse. */
const SUBNORMAL_SCALE = 2 ** 24;

/** The bits of the nearest half; of two that are as near, the even one. */
export function toHalf(value: number): number {
  if (Number.isNaN(value)) return NAN_BITS;
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const size = Math.abs(value);
  if (size >= OVERFLOW) return sign | INFINITY_BITS;
  if (size < MIN_NORMAL) return sign | roundToEven(size * SUBNORMAL_SCALE);
  const exponent = exponentOf(size);
  // From 1024 to 2048, whose last makes the exponent one greater by itself.
  const significand = roundToEven(size * 2 ** (FRACTION_BITS - exponent));
  return sign | (((exponent + BIAS) << FRACTION_BITS) + (significand - 2 ** FRACTION_BITS));
}

export function fromHalf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> FRACTION_BITS) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return (sign * fraction) / SUBNORMAL_SCALE;
  if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1 + fraction / 2 ** FRACTION_BITS) * 2 ** (exponent - BIAS);
}

const DOUBLE = new DataView(new ArrayBuffer(8));

function exponentOf(value: number): number {
  DOUBLE.setFloat64(0, value);
  return ((DOUBLE.getUint16(0) >> 4) & 0x7ff) - 1023;
}

function roundToEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return rest < 0.5 ? floor : floor + 1;
  return floor % 2 === 0 ? floor : floor + 1;
}
