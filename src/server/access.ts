import { timingSafeEqual } from 'node:crypto';
import { isIP } from 'node:net';
import type { MiddlewareHandler } from 'hono';
import { getCookie, setCookie } from 'hono/cookie';

/** Whether an address is one that only this machine reaches. */
export function isLoopback(address: string): boolean {
  return address === 'localhost' || address === '::1' || (isIP(address) === 4 && address.startsWith('127.'));
}

/** The host of a `Host` header or an origin, without its port and brackets; undefined where it is none. */
function hostOf(text: string): string | undefined {
  try {
    return new URL(text.includes('://') ? text : `http://${text}`).hostname.replace(/^\[|\]$/g, '');
  } catch {
    return undefined;
  }
}

const cookieName = 'throughtime';

/**
 * Lets in whoever may look. On a loopback address the `Host` has to be one too, so that a page from elsewhere whose name was pointed at
 * this machine is refused (DNS rebinding); on another address the token is asked for, in the link first and in a cookie after that. A
 * request that names another origin is refused in both cases, and so is any but GET.
 */
export function access({ host, token }: { readonly host: string; readonly token?: string }): MiddlewareHandler {
  return async (context, next) => {
    const { method } = context.req;
    if (method !== 'GET' && method !== 'HEAD') return context.text('Only GET is answered.', 405);
    const asked = context.req.header('host') ?? '';
    const name = hostOf(asked);
    if (isLoopback(host) && (name === undefined || !isLoopback(name))) return context.text('This host is not served here.', 403);
    const origin = context.req.header('origin');
    if (origin !== undefined && origin !== `http://${asked}`) return context.text('Requests from another origin are not answered.', 403);
    const site = context.req.header('sec-fetch-site');
    // A link on another page may lead here, but no page may read from here.
    const navigates = context.req.header('sec-fetch-mode') === 'navigate';
    if ((site === 'cross-site' || site === 'same-site') && !navigates)
      return context.text('Requests from another site are not answered.', 403);
    if (token !== undefined) {
      const given = context.req.query('token');
      if (!matches(given, token) && !matches(getCookie(context, cookieName), token)) {
        return context.text('Open the link with the token that throughtime dashboard has printed.', 401);
      }
      if (given !== undefined) setCookie(context, cookieName, token, { httpOnly: true, sameSite: 'Strict', path: '/' });
    }
    await next();
    secure(context.res.headers);
    return undefined;
  };
}

/** The page may load from here alone, and nothing else may load or frame it. */
function secure(headers: Headers): void {
  headers.set(
    'Content-Security-Policy',
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; connect-src 'self'; worker-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  );
  headers.set('X-Content-Type-Options', 'nosniff');
  headers.set('Referrer-Policy', 'no-referrer');
  headers.set('Cross-Origin-Opener-Policy', 'same-origin');
  headers.set('Cross-Origin-Embedder-Policy', 'require-corp');
  headers.set('Cross-Origin-Resource-Policy', 'same-origin');
  if (!headers.has('Cache-Control')) headers.set('Cache-Control', 'no-store');
}

function matches(given: string | undefined, token: string): boolean {
  if (given === undefined) return false;
  const [a, b] = [Buffer.from(given), Buffer.from(token)];
  return a.length === b.length && timingSafeEqual(a, b);
}
