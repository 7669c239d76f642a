import type { Json } from './merge-patch.js'

type ReadJson = { readonly ok: true; readonly json: Json | undefined } | { readonly ok: false; readonly fault: string }

/**
 * Turns a value of a host's code into the JSON that every receiver will read; a Date becomes its text. A value that JSON
 * would change or drop, such as NaN, a function or a Map, is a fault. A member that is undefined is left out. Never
 * throws, whatever `value` does when it is read.
 */
export function readAsJson(value: unknown): ReadJson {
  try {
    return { ok: true, json: asJson(value) }
  } catch (error) {
    return { ok: false, fault: `cannot be written as JSON: ${textOf(error)}` }
  }
}

/** The value after `JSON.stringify` and back. Throws a TypeError for what JSON would lose. */
function asJson(value: unknown): Json | undefined {
  const text: string | undefined = JSON.stringify(value, function (this: unknown, name, member: unknown) {
    const isLost = typeof member === 'function' || typeof member === 'symbol' || isNoJsonNumber(member)
    if (isLost) throw new TypeError(`${JSON.stringify(name)} is ${String(member).slice(0, 40)}`)
    // JSON writes null for it, because the items behind it keep their places.
    if (member === undefined && Array.isArray(this))
      throw new TypeError(`${JSON.stringify(name)} of a list is undefined`)
    // JSON writes null for it, which in a merge patch removes the member.
    if (member === null && Reflect.get(Object(this), name) !== null)
      throw new TypeError(`${JSON.stringify(name)} is an invalid Date`)
    if (isWrittenEmpty(member)) throw new TypeError(`${JSON.stringify(name)} is a ${classOf(member)}`)
    return member
  })
  return text === undefined ? undefined : JSON.parse(text)
}

/** The message of what was thrown. That may be anything, even an object that cannot be turned into a text. */
function textOf(error: unknown): string {
  try {
    return error instanceof Error ? String(error.message) : String(error)
  } catch {
    return 'what was thrown is no text'
  }
}

/** Whether JSON writes `{}` for an object of a class that keeps its content elsewhere, such as a Map or a RegExp. */
function isWrittenEmpty(member: unknown): member is object {
  if (typeof member !== 'object' || member === null || Array.isArray(member)) return false
  const prototype: unknown = Object.getPrototypeOf(member)
  const isPlain = prototype === null || Object.getPrototypeOf(prototype) === null
  return !isPlain && !isBoxed(member) && Object.keys(member).length === 0
}

/** JSON writes the value in such an object. */
const isBoxed = (member: object) => member instanceof Number || member instanceof Boolean || member instanceof String

const classOf = (member: object) => member.constructor.name.slice(0, 40)

const isNoJsonNumber = (value: unknown) => typeof value === 'number' && !Number.isFinite(value)
