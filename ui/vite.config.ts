import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';

export default defineConfig(({ mode }) => ({
  plugins: [svelte()],
  // Addresses relative to the page: Tauri serves it from an origin of its own on each system.
  base: './',
  build: {
    target: ['chrome111', 'safari16.4'],
    // The content security policy allows no inline script, and none is needed.
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
  },
  // The words stand in crates/words.
  server: { fs: { allow: ['..'] } },
  // Components are mounted, not rendered on a server, under Vitest too.
  resolve: mode === 'test' ? { conditions: ['browser'] } : {},
  test: {
    environment: 'happy-dom',
    include: ['test/**/*.test.ts'],
  },
}));
