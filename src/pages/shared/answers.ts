import type { Static } from 'typebox'
import type {
  AdminSessionsResponse,
  CountsResponse,
  EventsPage,
  KeysResponse,
  MeResponse,
  OwnEventsPage,
  RevokedResponse,
  RotateKeysResponse,
  UserResponse,
  UsersPage
} from '../../http/schemas/index.js'

/** What the routes answer with, as their schemas say it. */
export type Me = Static<typeof MeResponse>
export type OwnEvents = Static<typeof OwnEventsPage>
export type Revoked = Static<typeof RevokedResponse>
export type Users = Static<typeof UsersPage>
export type User = Static<typeof UserResponse>
export type AdminSessions = Static<typeof AdminSessionsResponse>
export type Events = Static<typeof EventsPage>
export type Keys = Static<typeof KeysResponse>
export type RotatedKeys = Static<typeof RotateKeysResponse>
export type Counts = Static<typeof CountsResponse>
