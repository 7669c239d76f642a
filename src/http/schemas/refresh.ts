import { Type } from 'typebox'
import { text } from './shared.js'

/** The body of POST /refresh and POST /logout. */
export const RefreshBody = Type.Object({
  refresh_token: Type.Optional(text(200, 'In `body` mode. In `cookie` mode the token is in the cookie.'))
})

export const RefreshHeaders = Type.Object({
  'idempotency-key': Type.Optional(
    Type.String({
      minLength: 16,
      maxLength: 255,
      description:
        'A random key that the client keeps as long as the session. With it, a client that lost a response can finish that refresh at any later time.'
    })
  )
})
