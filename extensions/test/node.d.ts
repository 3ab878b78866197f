/** The part of Node's types that the tests use; the package that carries them is 2 MB. */

declare module 'node:test' {
  type Body = () => void | Promise<void>;
  export function test(name: string, body: Body): void;
  export function beforeEach(body: Body): void;
  export function afterEach(body: Body): void;
}

declare module 'node:assert/strict' {
  export function equal<T>(actual: T, expected: T, message?: string): void;
  export function deepEqual<T>(actual: T, expected: T, message?: string): void;
  export function ok(value: unknown, message?: string): void;
  export function match(text: string, pattern: RegExp): void;
  export function rejects(promise: Promise<unknown>, error: RegExp): Promise<void>;
}

declare function setImmediate(callback: () => void): void;
