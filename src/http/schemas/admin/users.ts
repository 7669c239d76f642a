import { type Static, Type } from 'typebox'
import { maxRoles, rolePattern } from '../../../core/vocabulary.js'
import type { User } from '../../../ports/index.js'
import { id, line, nextCursor, page, query, time, timeView } from '../shared.js'

export const UsersQuery = query({
  ...page,
  email: Type.Optional(line(1, 320, 'The beginning of an e-mail address.'))
})

export const UserResponse = Type.Object({
  id,
  email: Type.String(),
  email_verified: Type.Boolean({
    description: 'Whether the person has proved to receive mail at `email`, or an admin entered it.'
  }),
  roles: Type.Array(Type.String()),
  disabled: Type.Boolean(),
  created_at: time
})
export const UsersPage = Type.Object({ users: Type.Array(UserResponse), next_cursor: nextCursor })

export function userView(user: User): Static<typeof UserResponse> {
  const { id, email, emailVerifiedAt, roles, disabled, createdAt } = user
  const email_verified = emailVerifiedAt !== null
  return { id, email, email_verified, roles: [...roles], disabled, created_at: timeView(createdAt) }
}

export const UserChangeBody = Type.Object({
  disabled: Type.Optional(Type.Boolean()),
  roles: Type.Optional(Type.Array(Type.String({ pattern: rolePattern }), { maxItems: maxRoles, uniqueItems: true }))
})
