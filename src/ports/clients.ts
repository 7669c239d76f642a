import type { Revocation } from '../core/revocation-set.js'
import type { Actor } from './events.js'
import type { Page, PageRequest } from './paging.js'

/** A secret of a client. Its id is the `sid` of the tokens that the client obtains with it. */
export interface ClientSecret {
  readonly id: string
  /** The end of the secret. */
  readonly hint: string
  readonly createdAt: number
  /** Within an hour; null if it was never used. */
  readonly lastUsedAt: number | null
}

/** A machine client. Its id begins with `client_`; the ids of secrets are lower-case UUIDs. */
export interface Client {
  readonly id: string
  readonly name: string
  readonly scopes: readonly string[]
  readonly createdAt: number
  /** Newest first, at most `maxClientSecrets`. */
  readonly secrets: readonly ClientSecret[]
}

export interface NewClientSecret {
  readonly id: string
  /** SHA-256 of the secret, in hex. */
  readonly hash: string
  readonly hint: string
}

/** A client that has proved its secret. */
export interface AuthenticatedClient {
  readonly clientId: string
  readonly secretId: string
  readonly scopes: readonly string[]
  /** When the secret was read. */
  readonly now: number
}

/** The machine clients. Each change writes its event in the same transaction. */
export interface ClientStore extends ClientResolver {
  create(
    client: Pick<Client, 'id' | 'name' | 'scopes'> & { readonly secret: NewClientSecret },
    actor: Actor
  ): Promise<Client>
  /** All clients, newest first. */
  list(page: PageRequest): Promise<Page<Client>>
  /**
   * Adds a secret and returns the client with it. Simultaneous calls never add more than `maxClientSecrets`. Undefined if
   * there is no such client.
   */
  addSecret(clientId: string, secret: NewClientSecret, actor: Actor): Promise<Client | 'too_many_secrets' | undefined>
  /**
   * Deletes a secret of the client, and writes the revocation that refuses its tokens, also one that is being issued at
   * this moment. Undefined if the client has no such secret.
   */
  deleteSecret(clientId: string, secretId: string, actor: Actor): Promise<Revocation | undefined>
  /** Deletes the client and all its secrets, with a revocation for each. Undefined if there is no such client. */
  delete(clientId: string, actor: Actor): Promise<readonly Revocation[] | undefined>
}

export interface ClientResolver {
  /**
   * The client, if it has a secret with this hash; undefined otherwise. Notes the use of the secret, at most once an hour.
   */
  authenticate(clientId: string, secretHash: string): Promise<AuthenticatedClient | undefined>
}
