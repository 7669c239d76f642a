import { Type } from 'typebox'
import { localePattern, modes } from '../../core/vocabulary.js'
import { id, line, text } from './shared.js'

export const mode = Type.Enum([...modes], { description: 'How the client holds the session.', default: 'cookie' })
export const device = line(1, 100, 'A name for this device.')
/** Longer than any accepted password, so that the password policy refuses it, with its own code. */
export const password = text(10_000, 'Exactly as typed; never trimmed or cut.')

const signInMembers = {
  email: text(320, 'All spellings of an address are one account.'),
  password,
  mode: Type.Optional(mode),
  device: Type.Optional(device)
}
const locale = Type.String({
  maxLength: 35,
  pattern: localePattern,
  description: 'The language of mails (RFC 5646), such as `de` or `pt-BR`.'
})
export const RegisterBody = Type.Object({ ...signInMembers, locale: Type.Optional(locale) })
export const LoginBody = Type.Object({
  ...signInMembers,
  device_token: Type.Optional(
    text(200, 'In `body` mode: the `device_token` of the last login on this device. Other modes send a cookie.')
  )
})

export const TokenResponse = Type.Object({
  access_token: Type.Optional(Type.String({ description: 'A JWT (RFC 9068). Not in `session` mode.' })),
  token_type: Type.Optional(Type.Literal('Bearer')),
  expires_in: Type.Integer({ description: 'Seconds.' }),
  session_id: id,
  refresh_token: Type.Optional(Type.String({ description: 'In `body` mode only.' })),
  refresh_expires_in: Type.Optional(Type.Integer({ description: 'Seconds. In `body` mode only.' })),
  device_token: Type.Optional(
    Type.String({
      description:
        'In `body` mode, from `/register`, `/email/verification/confirm` and `/login` only. Send it with the next login on this device.'
    })
  )
})
