import { type DocumentFault, faultOfMembers } from '../../core/json-document.js'
import { type JsonObject, mergePatch } from '../../core/merge-patch.js'
import { Refused } from '../refused.js'

/**
 * Returns a function that applies a JSON merge patch (RFC 7396) to a document. Refuses with `invalid_request` a patch with
 * a value that cannot be stored, and a result in which `faultOf` finds a mistake.
 */
export function patching(
  patch: JsonObject,
  faultOf: (document: JsonObject) => DocumentFault | undefined
): (document: JsonObject) => JsonObject {
  refuseFault(faultOfMembers(patch))
  return (document) => {
    const patched = mergePatch(document, patch)
    refuseFault(faultOf(patched))
    return patched
  }
}

function refuseFault(fault: DocumentFault | undefined): void {
  if (fault !== undefined) throw new Refused('invalid_request', { errors: [fault] })
}
