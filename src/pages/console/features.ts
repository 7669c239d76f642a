import { request } from '../shared/connection.js'
import type { Features } from '../shared/responses.js'

/** What the service offers. The browser keeps the answer for a minute. */
export const loadFeatures = () => request<Features>('GET', 'features')

/** Whether mails reach people. Where they are only printed into the log, they do for developers. */
export const isMailOn = async () => (await loadFeatures()).mail
