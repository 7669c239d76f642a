import { type Static, Type } from 'typebox'
import type { JsonObject } from '../../../core/merge-patch.js'
import { localePattern, maxRoles, rolePattern } from '../../../core/vocabulary.js'
import type { User } from '../../../ports/index.js'
import type { InvitedUser } from '../../../service/admin/invite-user.js'
import type { UserDetails } from '../../../service/admin/read-user.js'
import { ProfileResponse } from '../profile.js'
import { id, line, nextCursor, nullable, page, query, text, time, timeView } from '../shared.js'

export const UsersQuery = query({
  ...page,
  email: Type.Optional(line(1, 320, 'The beginning of an e-mail address.'))
})

const attributes = Type.Unsafe<JsonObject>(
  Type.Object(
    {},
    {
      additionalProperties: true,
      description:
        'What admins and the host keep about the person, who cannot change it: at most 8 KiB of JSON. `TOKEN_ATTRIBUTES` puts some into access tokens.'
    }
  )
)

export const UserResponse = Type.Object({
  id,
  email: nullable(
    Type.String({
      description: 'Null if the host that signs the person in vouched for none, and the person added none.'
    })
  ),
  external_id: nullable(
    Type.String({ description: 'Who the person is to the host that signs them in (`app.latchkey.startSession`).' })
  ),
  email_verified: Type.Boolean({
    description: 'Whether the person has proved to receive mail at `email`, or an admin has entered that address.'
  }),
  roles: Type.Array(Type.String()),
  disabled: Type.Boolean(),
  created_at: time,
  attributes
})
export const UsersPage = Type.Object({ users: Type.Array(UserResponse), next_cursor: nextCursor })

export function userView(user: User): Static<typeof UserResponse> {
  const { id, email, externalId: external_id, emailVerifiedAt, roles, disabled, createdAt, attributes } = user
  const email_verified = emailVerifiedAt !== null
  const created_at = timeView(createdAt)
  return { id, email, external_id, email_verified, roles: [...roles], disabled, created_at, attributes }
}

/** The answer of `GET /admin/users/:id`. Admins read the profile and cannot change it. */
export const UserDetailsResponse = Type.Object({ ...UserResponse.properties, profile: ProfileResponse })

export function userDetailsView({ profile, ...user }: UserDetails): Static<typeof UserDetailsResponse> {
  return { ...userView(user), profile }
}

const roles = Type.Array(Type.String({ pattern: rolePattern }), { maxItems: maxRoles, uniqueItems: true })

export const UserChangeBody = Type.Object({
  disabled: Type.Optional(Type.Boolean()),
  roles: Type.Optional(roles),
  attributes: Type.Optional(
    Type.Unsafe<JsonObject>(
      Type.Object(
        {},
        {
          additionalProperties: true,
          description:
            'A JSON merge patch (RFC 7396): members replace those of the attributes, and null removes one. The result has at most 8 KiB of JSON, at most 20 levels, and no character U+0000.'
        }
      )
    )
  )
})

export const NewUserBody = Type.Object({
  email: text(320, 'All spellings of an address are one account.'),
  roles: Type.Optional(roles),
  locale: Type.Optional(
    Type.String({ pattern: localePattern, description: 'The language of mails (RFC 5646), such as `de`.' })
  ),
  invite: Type.Optional(
    Type.Enum(['mail', 'link'], {
      description:
        'Whether the invitation is mailed to the person or returned. Without this member there is no invitation.'
    })
  )
})

export const NewUserResponse = Type.Object({
  user: UserResponse,
  link: Type.Optional(Type.String({ description: 'The invitation, with `invite: "link"`. It works once, for 7 days.' }))
})

export function newUserView({ user, url }: InvitedUser): Static<typeof NewUserResponse> {
  return { user: userView(user), ...(url !== undefined && { link: url }) }
}
