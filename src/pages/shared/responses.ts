import type { Static } from 'typebox'
import type { MeResponse, OwnEventsPage } from '../../http/schemas/account.js'
import type { ClientsPage, NewSecretResponse } from '../../http/schemas/admin/clients.js'
import type { CountsResponse } from '../../http/schemas/admin/counts.js'
import type { EventsPage } from '../../http/schemas/admin/events.js'
import type { KeysResponse, RotateKeysResponse } from '../../http/schemas/admin/keys.js'
import type { MailStatusResponse, MailsPage } from '../../http/schemas/admin/mails.js'
import type { PasswordResetResponse } from '../../http/schemas/admin/password-resets.js'
import type { AdminSessionsResponse } from '../../http/schemas/admin/sessions.js'
import type { NewUserResponse, UserDetailsResponse, UserResponse, UsersPage } from '../../http/schemas/admin/users.js'
import type { FeaturesResponse } from '../../http/schemas/features.js'
import type { RevokedResponse } from '../../http/schemas/shared.js'

/** The bodies of the service's responses, typed by its schemas. */
export type Features = Static<typeof FeaturesResponse>
export type Me = Static<typeof MeResponse>
/** What the page reads of `GET /me/profile`. */
export interface Profile {
  readonly locale?: string
  readonly notices?: { readonly new_device?: boolean }
}
export type OwnEvents = Static<typeof OwnEventsPage>
export type Revoked = Static<typeof RevokedResponse>
export type Users = Static<typeof UsersPage>
export type User = Static<typeof UserResponse>
export type UserDetails = Static<typeof UserDetailsResponse>
export type AdminSessions = Static<typeof AdminSessionsResponse>
export type Events = Static<typeof EventsPage>
export type Keys = Static<typeof KeysResponse>
export type RotatedKeys = Static<typeof RotateKeysResponse>
export type Clients = Static<typeof ClientsPage>
export type NewSecret = Static<typeof NewSecretResponse>
export type Counts = Static<typeof CountsResponse>
export type Mails = Static<typeof MailsPage>
export type MailStatus = Static<typeof MailStatusResponse>
export type PasswordReset = Static<typeof PasswordResetResponse>
export type NewUser = Static<typeof NewUserResponse>
