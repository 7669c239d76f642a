import type { IncomingMessage, ServerResponse } from 'node:http'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyBaseLogger, FastifyInstance, RawServerDefault } from 'fastify'
import type { IssuerAddresses } from '../core/issuer-addresses.js'
import type { Ports } from '../ports/index.js'
import type { SerializeCookie } from './cookies/serializer.js'
import type { HttpSettings } from './settings.js'

/** What every route receives. */
export interface HttpContext {
  readonly ports: Ports
  readonly settings: HttpSettings
  readonly serializeCookie: SerializeCookie
  /** The addresses of the service as clients see them. */
  readonly addresses: IssuerAddresses
  /** The address of docs/errors.md: the beginning of every problem's `type`. */
  readonly errorsUrl: string
}

/** A Fastify instance whose handlers are typed by their schemas. */
export type Scope = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>

/** Adds the routes of one resource to a scope. */
export type Routes = (scope: Scope, context: HttpContext) => void
