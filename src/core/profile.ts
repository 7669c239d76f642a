import { type DocumentFault, jsonBytes, maxDocumentBytes } from './json-document.js'
import { isJsonObject, type Json, type JsonObject } from './merge-patch.js'
import { localePattern } from './vocabulary.js'

/**
 * What people write about themselves. Latchkey reads two members: `locale`, the language of mails, and `notices`, which
 * says whether `new_device` is mailed. The person and the app can use all others as they like.
 */
export type Profile = JsonObject

/** Finds a mistake in a whole profile; undefined if there is none. */
export function faultOfProfile(profile: Profile): DocumentFault | undefined {
  const { locale, notices } = profile
  if (locale !== undefined && !(typeof locale === 'string' && new RegExp(localePattern).test(locale))) {
    return { field: 'locale', message: 'must be a language tag (RFC 5646) of at most 35 characters' }
  }
  if (notices !== undefined && !areNotices(notices)) {
    return { field: 'notices', message: 'must be an object whose only member, new_device, is true or false' }
  }
  if (jsonBytes(profile) > maxDocumentBytes) {
    return { field: 'body', message: `would make the profile longer than ${maxDocumentBytes} bytes` }
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
