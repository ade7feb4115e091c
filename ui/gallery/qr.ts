// The QR code of the address in the fixtures, as src-tauri/qr.rs would draw it.

import type { Qr } from '../src/bridge';

export const qr: Qr = {
  size: 33,
  path:
    'M0 0h7v1h-7zM12 0h2v1h-2zM16 0h6v1h-6zM23 0h1v1h-1zM26 0h7v1h-7zM0 1h1v1h-1zM6 1h1v1h-1zM11 1h1v1h-1' +
    'zM13 1h6v1h-6zM21 1h2v1h-2zM26 1h1v1h-1zM32 1h1v1h-1zM0 2h1v1h-1zM2 2h3v1h-3zM6 2h1v1h-1zM8 2h2v1h-2' +
    'zM11 2h1v1h-1zM13 2h1v1h-1zM16 2h1v1h-1zM18 2h5v1h-5zM24 2h1v1h-1zM26 2h1v1h-1zM28 2h3v1h-3zM32 2h1v' +
    '1h-1zM0 3h1v1h-1zM2 3h3v1h-3zM6 3h1v1h-1zM8 3h2v1h-2zM12 3h1v1h-1zM14 3h1v1h-1zM16 3h1v1h-1zM19 3h1v' +
    '1h-1zM23 3h2v1h-2zM26 3h1v1h-1zM28 3h3v1h-3zM32 3h1v1h-1zM0 4h1v1h-1zM2 4h3v1h-3zM6 4h1v1h-1zM8 4h2v' +
    '1h-2zM12 4h1v1h-1zM15 4h1v1h-1zM18 4h1v1h-1zM20 4h1v1h-1zM22 4h2v1h-2zM26 4h1v1h-1zM28 4h3v1h-3zM32 ' +
    '4h1v1h-1zM0 5h1v1h-1zM6 5h1v1h-1zM8 5h1v1h-1zM10 5h2v1h-2zM14 5h3v1h-3zM20 5h1v1h-1zM22 5h1v1h-1zM24' +
    ' 5h1v1h-1zM26 5h1v1h-1zM32 5h1v1h-1zM0 6h7v1h-7zM8 6h1v1h-1zM10 6h1v1h-1zM12 6h1v1h-1zM14 6h1v1h-1zM' +
    '16 6h1v1h-1zM18 6h1v1h-1zM20 6h1v1h-1zM22 6h1v1h-1zM24 6h1v1h-1zM26 6h7v1h-7zM8 7h1v1h-1zM10 7h1v1h-' +
    '1zM15 7h1v1h-1zM20 7h2v1h-2zM0 8h1v1h-1zM2 8h5v1h-5zM9 8h2v1h-2zM12 8h4v1h-4zM17 8h1v1h-1zM19 8h1v1h' +
    '-1zM22 8h1v1h-1zM24 8h1v1h-1zM26 8h5v1h-5zM0 9h1v1h-1zM3 9h3v1h-3zM7 9h5v1h-5zM17 9h1v1h-1zM19 9h1v1' +
    'h-1zM23 9h1v1h-1zM26 9h2v1h-2zM29 9h2v1h-2zM32 9h1v1h-1zM0 10h1v1h-1zM2 10h1v1h-1zM6 10h3v1h-3zM11 1' +
    '0h2v1h-2zM15 10h2v1h-2zM18 10h1v1h-1zM21 10h2v1h-2zM24 10h2v1h-2zM28 10h1v1h-1zM30 10h2v1h-2zM0 11h2' +
    'v1h-2zM3 11h1v1h-1zM5 11h1v1h-1zM7 11h2v1h-2zM14 11h3v1h-3zM18 11h1v1h-1zM20 11h3v1h-3zM25 11h1v1h-1' +
    'zM28 11h4v1h-4zM0 12h1v1h-1zM2 12h6v1h-6zM9 12h1v1h-1zM11 12h2v1h-2zM15 12h1v1h-1zM21 12h5v1h-5zM27 ' +
    '12h3v1h-3zM32 12h1v1h-1zM0 13h1v1h-1zM2 13h1v1h-1zM7 13h1v1h-1zM10 13h1v1h-1zM14 13h4v1h-4zM20 13h4v' +
    '1h-4zM25 13h2v1h-2zM30 13h3v1h-3zM1 14h1v1h-1zM3 14h4v1h-4zM8 14h1v1h-1zM10 14h1v1h-1zM12 14h1v1h-1z' +
    'M14 14h1v1h-1zM18 14h1v1h-1zM20 14h3v1h-3zM25 14h2v1h-2zM28 14h2v1h-2zM31 14h1v1h-1zM1 15h1v1h-1zM5 ' +
    '15h1v1h-1zM11 15h1v1h-1zM14 15h1v1h-1zM16 15h1v1h-1zM18 15h1v1h-1zM20 15h2v1h-2zM23 15h1v1h-1zM25 15' +
    'h3v1h-3zM29 15h2v1h-2zM5 16h7v1h-7zM13 16h1v1h-1zM17 16h1v1h-1zM19 16h2v1h-2zM22 16h4v1h-4zM27 16h2v' +
    '1h-2zM32 16h1v1h-1zM1 17h2v1h-2zM5 17h1v1h-1zM8 17h1v1h-1zM10 17h4v1h-4zM16 17h1v1h-1zM18 17h6v1h-6z' +
    'M26 17h2v1h-2zM29 17h2v1h-2zM32 17h1v1h-1zM0 18h2v1h-2zM6 18h6v1h-6zM15 18h1v1h-1zM20 18h1v1h-1zM22 ' +
    '18h1v1h-1zM24 18h1v1h-1zM27 18h2v1h-2zM30 18h2v1h-2zM5 19h1v1h-1zM13 19h1v1h-1zM15 19h2v1h-2zM18 19h' +
    '2v1h-2zM21 19h3v1h-3zM26 19h5v1h-5zM32 19h1v1h-1zM0 20h1v1h-1zM3 20h1v1h-1zM5 20h3v1h-3zM9 20h2v1h-2' +
    'zM12 20h1v1h-1zM14 20h1v1h-1zM16 20h1v1h-1zM18 20h1v1h-1zM21 20h5v1h-5zM28 20h2v1h-2zM31 20h1v1h-1zM' +
    '0 21h4v1h-4zM7 21h1v1h-1zM9 21h2v1h-2zM12 21h4v1h-4zM18 21h2v1h-2zM21 21h1v1h-1zM23 21h1v1h-1zM25 21' +
    'h1v1h-1zM29 21h2v1h-2zM32 21h1v1h-1zM0 22h1v1h-1zM2 22h2v1h-2zM5 22h3v1h-3zM10 22h1v1h-1zM12 22h1v1h' +
    '-1zM14 22h3v1h-3zM18 22h1v1h-1zM21 22h1v1h-1zM26 22h1v1h-1zM29 22h3v1h-3zM0 23h1v1h-1zM2 23h1v1h-1zM' +
    '5 23h1v1h-1zM8 23h2v1h-2zM13 23h3v1h-3zM19 23h1v1h-1zM21 23h5v1h-5zM30 23h3v1h-3zM0 24h1v1h-1zM3 24h' +
    '2v1h-2zM6 24h3v1h-3zM10 24h3v1h-3zM15 24h1v1h-1zM17 24h1v1h-1zM20 24h1v1h-1zM22 24h1v1h-1zM24 24h6v1' +
    'h-6zM31 24h1v1h-1zM8 25h1v1h-1zM10 25h2v1h-2zM14 25h1v1h-1zM16 25h1v1h-1zM18 25h5v1h-5zM24 25h1v1h-1' +
    'zM28 25h1v1h-1zM30 25h3v1h-3zM0 26h7v1h-7zM9 26h1v1h-1zM11 26h2v1h-2zM15 26h1v1h-1zM18 26h1v1h-1zM20' +
    ' 26h5v1h-5zM26 26h1v1h-1zM28 26h1v1h-1zM30 26h2v1h-2zM0 27h1v1h-1zM6 27h1v1h-1zM8 27h2v1h-2zM13 27h1' +
    'v1h-1zM15 27h1v1h-1zM18 27h1v1h-1zM21 27h1v1h-1zM24 27h1v1h-1zM28 27h4v1h-4zM0 28h1v1h-1zM2 28h3v1h-' +
    '3zM6 28h1v1h-1zM8 28h1v1h-1zM10 28h2v1h-2zM14 28h2v1h-2zM18 28h2v1h-2zM21 28h2v1h-2zM24 28h6v1h-6zM3' +
    '1 28h1v1h-1zM0 29h1v1h-1zM2 29h3v1h-3zM6 29h1v1h-1zM8 29h1v1h-1zM10 29h4v1h-4zM15 29h4v1h-4zM20 29h2' +
    'v1h-2zM24 29h2v1h-2zM28 29h2v1h-2zM31 29h2v1h-2zM0 30h1v1h-1zM2 30h3v1h-3zM6 30h1v1h-1zM8 30h2v1h-2z' +
    'M11 30h2v1h-2zM22 30h3v1h-3zM26 30h2v1h-2zM29 30h1v1h-1zM0 31h1v1h-1zM6 31h1v1h-1zM11 31h1v1h-1zM16 ' +
    '31h1v1h-1zM19 31h1v1h-1zM21 31h1v1h-1zM25 31h2v1h-2zM28 31h3v1h-3zM0 32h7v1h-7zM8 32h1v1h-1zM11 32h1' +
    'v1h-1zM16 32h2v1h-2zM19 32h1v1h-1zM22 32h6v1h-6zM29 32h1v1h-1zM31 32h1v1h-1z',
};
