// Every page as people see it: three widths, light and dark.

const WIDTHS = [1280, 768, 320];
const SCHEMES = ["light", "dark"];

// Walks a way through the pages once for each appearance, with a new browser profile. `visit` gets the
// person, a `look` for each page (it fits, axe-core finds nothing, a picture of it goes to
// screenshots/), and a word that no other walk has. `kind` begins the names of the pictures.
export async function atEveryWidth(t, browser, kind, visit) {
  for (const width of WIDTHS) {
    for (const colorScheme of SCHEMES) {
      await t.test(`at ${width} px, ${colorScheme}`, async () => {
        const person = await browser.open({ viewport: { width, height: 800 }, colorScheme });
        const look = async (name) => {
          const where = `${name} at ${width} px, ${colorScheme}`;
          await person.assertFits(where);
          await person.assertAccessible(where);
          await person.screenshot(`${kind}${name}-${width}-${colorScheme}`);
        };
        await visit(person, look, `${width}-${colorScheme}`);
      });
    }
  }
}
