import { type CanActivate, createParamDecorator, type ExecutionContext } from '@nestjs/common'
import type { FastifyReply, FastifyRequest } from 'fastify'

/** Nest's guard for routes of signed-in people. Latchkey answers a refused request, and Nest must not go on with it. */
export const SignedIn: CanActivate = {
  async canActivate(context) {
    const request = requestOf(context)
    const { authenticate, authOf } = request.server.latchkey
    await authenticate(request, context.switchToHttp().getResponse<FastifyReply>())
    return authOf(request) !== null
  }
}

/** Nest's guard for routes of people with a role; to be used after `SignedIn`. */
export const HasRole = (role: string): CanActivate => ({
  canActivate: (context) => requestOf(context).auth.roles.includes(role)
})

/** The signed-in user, as a parameter of a handler. */
export const CurrentAuth = createParamDecorator((_: unknown, context: ExecutionContext) => requestOf(context).auth)

const requestOf = (context: ExecutionContext) => context.switchToHttp().getRequest<FastifyRequest>()
