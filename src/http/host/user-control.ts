import { type TProperties, Type } from 'typebox'
import { Check, Errors } from 'typebox/value'
import { readEmail } from '../../core/email.js'
import { isExternalId } from '../../core/external-id.js'
import { readAsJson } from '../../core/json-value.js'
import { isJsonObject, type JsonObject } from '../../core/merge-patch.js'
import { uuidPattern } from '../../core/vocabulary.js'
import { InvalidCursor } from '../../ports/errors.js'
import { hostApp } from '../../ports/events.js'
import type { Ports } from '../../ports/index.js'
import type { Page } from '../../ports/paging.js'
import type { User, UserWithPassword } from '../../ports/users.js'
import { deleteUser } from '../../service/admin/delete-user.js'
import { createInvitedUser } from '../../service/admin/invite-user.js'
import { listUsers } from '../../service/admin/listings.js'
import { updateUser } from '../../service/admin/update-user.js'
import { Refused } from '../../service/refused.js'
import { NewUserBody, UserChangeBody, UsersQuery } from '../schemas/admin/users.js'
import { pageOf } from '../schemas/shared.js'

/** By what `users.find` looks for an account: exactly one of them. */
export type UserKey = { readonly id: string } | { readonly externalId: string } | { readonly email: string }

/** The accounts that `users.list` returns: as the query of `GET /admin/users`. */
export interface UserFilter {
  /** The beginning of an address, in any case. */
  readonly email?: string | undefined
  /** 1 to 200; 50 by default. */
  readonly limit?: number | undefined
  /** The `nextCursor` of the page before. */
  readonly cursor?: string | undefined
}

/** An account that `users.create` makes: as the body of `POST /admin/users`. */
export interface NewAccount {
  readonly email: string
  readonly roles?: readonly string[] | undefined
  /** The language of mails (RFC 5646). */
  readonly locale?: string | undefined
  /** Whether the person gets an invitation by mail, or you get the link. Without it there is none. */
  readonly invite?: 'mail' | 'link' | undefined
}

/** What `users.update` changes: as the body of `PATCH /admin/users/:id`, and `externalId`. What is left out stays. */
export interface AccountChange {
  readonly disabled?: boolean | undefined
  /** All roles from now on. */
  readonly roles?: readonly string[] | undefined
  /**
   * A JSON merge patch of the attributes (RFC 7396): members replace the old ones, and null removes one. A value that
   * JSON cannot hold, such as a Map, a function or a bigint, is refused. A Date is stored as its text.
   */
  readonly attributes?: JsonObject | undefined
  /**
   * The external id with which `startSession` signs in to this account from now on; null removes it. Admin routes cannot
   * change it. Link only a person who has just proved to own the account.
   */
  readonly externalId?: string | null | undefined
}

/**
 * Lets a host's own code manage accounts, by the rules of the admin routes. Throws `Refused` with the code of their problem:
 * `invalid_request` for input that does not fit, `not_found` for an unknown id, and those named below. Throws `Unavailable`
 * if the database cannot be used.
 */
export interface UserControl {
  /** The account of an id, of an external id or of an address in any spelling; null if there is none. */
  find(key: UserKey): Promise<User | null>
  /** Accounts, newest first, page by page. */
  list(filter?: UserFilter): Promise<Page<User>>
  /**
   * Creates an account without a password. Its address counts as confirmed. `link` is a secret that works once, for 7 days;
   * only with `invite: 'link'`. Throws `Refused`: `email_taken`, `registration_closed` or `mail_not_configured`.
   */
  create(account: NewAccount): Promise<{ readonly user: User; readonly link?: string }>
  /**
   * Changes roles, attributes, the disabled flag and the external id. Access tokens with other roles or attributes are
   * refused from now on. Throws `Refused`: `last_admin` if no admin would be left, `external_id_taken` if another account
   * has the external id.
   */
  update(id: string, change: AccountChange): Promise<User>
  /** Disables an account, and ends all its sessions. Throws `Refused`: `last_admin`. */
  disable(id: string): Promise<User>
  /** Lets the person sign in again. */
  enable(id: string): Promise<User>
  /** Deletes an account and all its sessions. Throws `Refused`: `last_admin`. */
  delete(id: string): Promise<void>
}

/**
 * `app.latchkey.users`. In the event log the host is the actor of what it does.
 * @internal The package's types leave out what would need those of all ports.
 */
export function userControl(ports: Ports): UserControl {
  const update = async (id: string, change: AccountChange) => {
    requireId(id)
    const { attributes, ...rest } = checked(changeProperties, change)
    return updateUser(ports, id, { ...rest, attributes: attributes && patchOf(attributes) }, hostApp)
  }

  return {
    async find(key) {
      const found = await findAccount(ports, key)
      if (found === undefined) return null
      const { passwordHash: _hash, awaitsConfirmation: _awaits, ...user } = found
      return user
    },

    async list(filter = {}) {
      const { email, ...page } = checked(UsersQuery.properties, filter)
      return listUsers(ports, { email }, pageOf(page)).catch((error) => {
        if (!(error instanceof InvalidCursor)) throw error
        throw refusedField('cursor', 'is not a cursor of this list')
      })
    },

    async create(account) {
      const { email, roles = [], locale, invite } = checked(NewUserBody.properties, account)
      const { user, url: link } = await createInvitedUser(ports, { email, roles, locale, invite }, hostApp)
      return { user, ...(link !== undefined && { link }) }
    },

    update,
    disable: (id) => update(id, { disabled: true }),
    enable: (id) => update(id, { disabled: false }),

    async delete(id) {
      requireId(id)
      await deleteUser(ports, id, hostApp)
    }
  }
}

const changeProperties = {
  ...UserChangeBody.properties,
  externalId: Type.Optional(Type.Union([Type.String(), Type.Null()]))
}

/** The patch as it will be stored. A value that JSON would lose is refused, as in the result of `claims`. */
function patchOf(attributes: unknown): JsonObject {
  const read = readAsJson(attributes)
  if (!read.ok) throw refusedField('attributes', read.fault)
  if (!isJsonObject(read.json)) throw refusedField('attributes', 'must be an object')
  return read.json
}

/** A text that cannot be an id, an external id or an address belongs to nobody: the database is not asked for it. */
async function findAccount({ users }: Pick<Ports, 'users'>, key: UserKey): Promise<UserWithPassword | undefined> {
  const keys = {
    id: Type.Optional(Type.String()),
    externalId: Type.Optional(Type.String()),
    email: Type.Optional(Type.String())
  }
  const { id, externalId, email: address } = checked(keys, key)
  const given = [id, externalId, address].filter((text) => text !== undefined)
  if (given.length !== 1) throw refusedField('key', 'must have one of id, externalId and email')
  if (id !== undefined) return isId(id) ? users.find(id) : undefined
  if (externalId !== undefined) return isExternalId(externalId) ? users.findByExternalId(externalId) : undefined
  const email = readEmail(address ?? '')
  return email && users.findByEmail(email)
}

const idForm = new RegExp(`^${uuidPattern}$`)
const isId = (id: unknown): boolean => typeof id === 'string' && idForm.test(id)

function requireId(id: unknown): void {
  if (!isId(id)) throw new Refused('not_found')
}

/**
 * `input` as a route checks it. Other members are refused, because a host has no use for a misspelled one; a member that is
 * undefined counts as left out.
 */
function checked<Properties extends TProperties>(properties: Properties, input: unknown) {
  const schema = Type.Object(properties, { additionalProperties: false })
  const given: unknown =
    typeof input === 'object' && input !== null
      ? Object.fromEntries(Object.entries(input).filter(([, value]) => value !== undefined))
      : input
  if (Check(schema, given)) return given
  const errors = Errors(schema, given).map(({ instancePath, message }) => ({
    field: instancePath.split('/').slice(1).join('.'),
    message
  }))
  throw new Refused('invalid_request', { errors })
}

const refusedField = (field: string, message: string) =>
  new Refused('invalid_request', { errors: [{ field, message }] })
