import { Type } from 'typebox'
import { text } from './shared.js'
import { device, mode, password } from './sign-in.js'

/** The token of a one-time link. Longer than any of ours, so that a damaged one gets the answer of a dead link. */
const linkToken = text(200, 'The part of the link after `=`.')

export const ForgotPasswordBody = Type.Object({ email: text(320, 'All spellings of an address are one account.') })
export const ResetPasswordBody = Type.Object({ token: linkToken, new_password: password })
export const AcceptedResponse = Type.Object({})
export const EmailBody = Type.Object({ new_email: text(320, 'The new address of the account.') })
export const LinkBody = Type.Object({ token: linkToken })
export const ConfirmBody = Type.Object({ token: linkToken, mode: Type.Optional(mode), device: Type.Optional(device) })
