import type { Auth } from '../../core/access-claims.js'
import type { AuthError } from '../auth-error.js'

/** The client that `createServerClient` returns. It keeps access tokens in memory, so create one for the process. */
export interface ServerClient {
  /**
   * Who is signed in, for a request of the site. Refreshes if memory has no access token of the session, or one that nears
   * its end; concurrent requests share one refresh. Never rejects because of Latchkey: then the status is `unknown`.
   * So it is for a request that a page of another origin has sent.
   * Pass an access token that an API has `rejected` to get a newer one.
   */
  authenticate(request: BrowserRequest, rejected?: string): Promise<Authentication>
  /**
   * Answers a `POST` of one of the site's pages. `path` is one of `refresh`, `login`, `register`, `logout`, `password`,
   * `reauthenticate` and `email/verification/confirm`, and `body` is what Latchkey's route of that name takes. Refuses
   * other origins. `refresh` gives the page an access token; if an API has rejected the one that the page has, the page
   * sends it in `Authorization`.
   */
  answer(request: BrowserRequest, path: string, body?: unknown): Promise<Response>
}

/** Options of `createServerClient`. */
export interface ServerClientOptions {
  /** Latchkey's address for browsers: its `ISSUER`, such as `https://example.com/auth`. */
  readonly baseURL: string
  /** The site's own origin, such as `https://example.com`. Its host must be that of `baseURL`. */
  readonly origin: string
  /** Where this server reaches Latchkey, such as `http://latchkey:3000`; `baseURL` by default. */
  readonly internalURL?: string
  /** Checks an access token before it is used again, so that a page shows at once that the session has ended. */
  readonly verifier?: TokenVerifier
  /** The global `fetch` by default. */
  readonly fetch?: typeof globalThis.fetch
}

/** The part of `createVerifier` of `latchkey/verifier` that a `ServerClient` uses. With the status 503 nobody is known. */
export interface TokenVerifier {
  verify(accessToken: string): Promise<{ readonly ok: boolean; readonly status?: number }>
}

/** What a browser has sent. A `Request` of the Fetch API is one, and so is a request of Fastify or Express. */
export interface BrowserRequest {
  readonly headers:
    | { get(name: string): string | null }
    | { readonly [name: string]: string | readonly string[] | undefined }
  /** The browser's address, for the list of devices and for limits. Latchkey must trust the site: `TRUST_PROXY`. */
  readonly ip?: string | undefined
}

/**
 * Whether somebody is signed in; `status` narrows the type. Append `setCookies` to the response, each as a `Set-Cookie` of
 * its own, whatever the status is. Read it only then, after the page was rendered: it is empty once the person has signed
 * in or out in another tab, because these cookies would undo that.
 */
export type Authentication =
  | {
      readonly status: 'signed_in'
      readonly auth: Auth
      readonly accessToken: string
      /** When the access token expires, in milliseconds since the epoch. */
      readonly expiresAt: number
      readonly error?: undefined
      readonly setCookies: readonly string[]
    }
  /** `error` says why the session has ended. It is missing if the browser has no session. */
  | {
      readonly status: 'signed_out'
      readonly auth: null
      readonly accessToken?: undefined
      readonly error?: AuthError
      readonly setCookies: readonly string[]
    }
  /**
   * Latchkey could not say (`error`), or a link on another site led here, so the browser has not sent its
   * `SameSite=Strict` cookies. The page's script can ask by `refresh`.
   */
  | {
      readonly status: 'unknown'
      readonly auth: null
      readonly accessToken?: undefined
      readonly error?: AuthError
      readonly setCookies: readonly string[]
    }
