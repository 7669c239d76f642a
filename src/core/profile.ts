import { isJsonObject, type Json, type JsonObject } from './merge-patch.js'
import { utf8Length } from './password-policy.js'
import { localePattern } from './vocabulary.js'

/**
 * What people write about themselves. Latchkey reads two members: `locale`, the language of mails, and `notices`, which
 * says whether `new_device` is mailed. The person and the app can use all others as they like.
 */
export type Profile = JsonObject

/** The maximum length of a profile, as JSON in UTF-8. */
export const maxProfileBytes = 8 * 1024

/** How deep objects and arrays can be nested. */
export const maxProfileDepth = 20

/** What is wrong with a member of a request. */
export interface ProfileFault {
  readonly field: string
  readonly message: string
}

/** Finds a reason why a patch cannot be stored; undefined if there is none. */
export function faultOfPatch(patch: JsonObject): ProfileFault | undefined {
  for (const [name, value] of Object.entries(patch)) {
    const message = faultOfText(name) ?? faultOfValue(value, maxProfileDepth - 1)
    if (message !== undefined) return { field: name, message }
  }
  return undefined
}

/** Finds a mistake in a whole profile; undefined if there is none. */
export function faultOfProfile(profile: Profile): ProfileFault | undefined {
  const { locale, notices } = profile
  if (locale !== undefined && !(typeof locale === 'string' && new RegExp(localePattern).test(locale))) {
    return { field: 'locale', message: 'must be a language tag (RFC 5646) of at most 35 characters' }
  }
  if (notices !== undefined && !areNotices(notices)) {
    return { field: 'notices', message: 'must be an object whose only member, new_device, is true or false' }
  }
  if (utf8Length(JSON.stringify(profile)) > maxProfileBytes) {
    return { field: 'body', message: `would make the profile longer than ${maxProfileBytes} bytes` }
  }
  return undefined
}

/** Whether the person wants a mail when a new device signs in: the default. */
export const wantsNewDeviceNotice = ({ notices }: Profile): boolean =>
  !(isJsonObject(notices) && notices.new_device === false)

/** Refuses other members, because a misspelt one would turn nothing off. */
const areNotices = (value: Json) =>
  isJsonObject(value) &&
  Object.entries(value).every(([name, wanted]) => name === 'new_device' && typeof wanted === 'boolean')

function faultOfValue(value: Json, depth: number): string | undefined {
  if (typeof value === 'string') return faultOfText(value)
  if (typeof value === 'number') return Number.isFinite(value) ? undefined : 'has a number that is too large'
  if (value === null || typeof value === 'boolean') return undefined
  if (depth === 0) return `is nested deeper than ${maxProfileDepth} levels`
  for (const [name, member] of Object.entries(value)) {
    const message = faultOfText(name) ?? faultOfValue(member, depth - 1)
    if (message !== undefined) return message
  }
  return undefined
}

/** PostgreSQL's `jsonb` can store neither the character NUL nor a single surrogate. */
const faultOfText = (text: string) =>
  /[\0\p{Surrogate}]/u.test(text) ? 'has a character that cannot be stored' : undefined
