import { type Static, Type } from 'typebox'
import { localePattern, maxRoles, rolePattern } from '../../../core/vocabulary.js'
import type { User } from '../../../ports/index.js'
import type { InvitedUser } from '../../../service/admin/invite-user.js'
import { id, line, nextCursor, nullable, page, query, text, time, timeView } from '../shared.js'

export const UsersQuery = query({
  ...page,
  email: Type.Optional(line(1, 320, 'The beginning of an e-mail address.'))
})

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
  created_at: time
})
export const UsersPage = Type.Object({ users: Type.Array(UserResponse), next_cursor: nextCursor })

export function userView(user: User): Static<typeof UserResponse> {
  const { id, email, externalId: external_id, emailVerifiedAt, roles, disabled, createdAt } = user
  const email_verified = emailVerifiedAt !== null
  return { id, email, external_id, email_verified, roles: [...roles], disabled, created_at: timeView(createdAt) }
}

const roles = Type.Array(Type.String({ pattern: rolePattern }), { maxItems: maxRoles, uniqueItems: true })

export const UserChangeBody = Type.Object({ disabled: Type.Optional(Type.Boolean()), roles: Type.Optional(roles) })

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
