import { requestAuth } from '../../../core/request-auth.js'
import { patchProfile, readProfile } from '../../../service/accounts/profile.js'
import { mergePatchType, readMergePatches } from '../../bodies.js'
import type { Routes } from '../../context.js'
import { actorOf } from '../../credentials.js'
import { describe } from '../../describe.js'
import { ProfilePatchBody, ProfileResponse } from '../../schemas/profile.js'

/** GET, PATCH /me/profile, in a scope of their own, so that no other route accepts merge patches. */
export const profileRoutes: Routes = (app, context) => {
  app.register((scope, _options, done) => {
    readMergePatches(scope)
    addRoutes(scope, context)
    done()
  })
}

const addRoutes: Routes = (scope, { ports }) => {
  scope.get(
    '/me/profile',
    describe({ summary: 'The profile of the signed-in user', tag: 'account', response: { 200: ProfileResponse } }),
    async (request) => readProfile(ports, requestAuth(request))
  )

  scope.patch(
    '/me/profile',
    describe({
      summary: 'Change the profile of the signed-in user',
      description:
        'Takes a JSON merge patch (RFC 7396) and answers with the whole profile. A profile has at most 8 KiB of JSON, at most 20 levels, and no character U+0000.',
      tag: 'account',
      consumes: [mergePatchType, 'application/json'],
      body: ProfilePatchBody,
      response: { 200: ProfileResponse }
    }),
    async (request) => patchProfile(ports, requestAuth(request), request.body, actorOf(request))
  )
}
