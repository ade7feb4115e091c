// What the window looks like: later files refine earlier ones.

import './tokens.css';
import './page.css';
import './ring.css';
import './buttons.css';
import './products.css';
import './cards.css';
import './notes.css';
import './code.css';
import './company.css';
