import { Type } from 'typebox'
import { modes } from '../../core/vocabulary.js'

export const FeaturesResponse = Type.Object({
  registration: Type.Enum(['open', 'invited', 'closed'], { description: 'Who can create an account.' }),
  password_login: Type.Boolean({ description: 'Whether people sign in with passwords.' }),
  password_min_length: Type.Integer(),
  mail: Type.Boolean({ description: 'Whether the service sends mail.' }),
  email_verification: Type.Enum(['off', 'optional', 'required']),
  modes: Type.Array(Type.Enum([...modes]), { description: 'What `mode` of `/login` and `/register` can be.' }),
  passkeys: Type.Boolean(),
  totp: Type.Boolean(),
  refresh_grace_seconds: Type.Integer({
    description:
      'How long a refresh can be repeated after it succeeded. A client gives a refresh up before half of it has passed. With 0 it cannot be repeated.'
  }),
  locales: Type.Array(Type.String(), {
    description: 'The languages of mails and of the account page (RFC 5646).'
  })
})
