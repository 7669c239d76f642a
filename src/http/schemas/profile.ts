import { Type } from 'typebox'
import type { JsonObject } from '../../core/merge-patch.js'
import { localePattern } from '../../core/vocabulary.js'

const members = {
  locale: Type.Optional(
    Type.String({ pattern: localePattern, description: 'The language of mails (RFC 5646), such as `de`.' })
  ),
  notices: Type.Optional(
    Type.Object({
      new_device: Type.Optional(
        Type.Boolean({ description: 'Whether a login on a new device is mailed.', default: true })
      )
    })
  )
}

export const ProfileResponse = Type.Unsafe<JsonObject>(
  Type.Object(members, {
    additionalProperties: true,
    description: 'What people write about themselves. All members other than `locale` and `notices` can have any value.'
  })
)

export const ProfilePatchBody = Type.Unsafe<JsonObject>(
  Type.Object(
    {},
    {
      additionalProperties: true,
      description: 'A JSON merge patch (RFC 7396): members replace those of the profile, and null removes one.'
    }
  )
)
