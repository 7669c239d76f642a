import 'reflect-metadata'
import { Controller, Get, Module, UseGuards } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify'
import latchkey, { type Auth } from 'latchkey'
import verifier from 'latchkey/verifier'
import { CurrentAuth, HasRole, SignedIn } from './guards.js'

@Controller()
class Reports {
  @Get('public')
  everybody() {
    return 'for everybody'
  }

  @Get('reports')
  @UseGuards(SignedIn)
  own(@CurrentAuth() auth: Auth) {
    return { for: auth.userId }
  }

  @Get('ops')
  @UseGuards(SignedIn, HasRole('admin'))
  ops() {
    return 'for admins only'
  }
}

@Module({ controllers: [Reports] })
class AppModule {}

const newApp = () =>
  NestFactory.create<NestFastifyApplication>(AppModule, new FastifyAdapter(), { logger: ['error', 'warn'] })

/** An app with Latchkey inside, whose routes are under /auth. */
export async function buildApp(dataDir: string, issuer: string, serviceSecret: string) {
  const app = await newApp()
  await app.register(latchkey, {
    prefix: '/auth',
    dataDir,
    issuer,
    adminEmail: 'ops@example.com',
    adminPassword: 'correct horse battery staple',
    serviceCredentials: [`reports:${serviceSecret}`]
  })
  return app
}

/** An app of another team, with the same guards. It knows only Latchkey's address, and a credential for its feed. */
export async function buildService(issuer: string, serviceSecret: string) {
  const app = await newApp()
  const feed = { credential: { id: 'reports', secret: serviceSecret } }
  await app.register(verifier, { issuer, audience: issuer, feed })
  return app
}
