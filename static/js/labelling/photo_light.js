/** Brighter and more contrast for dark photos: only on the screen, and only the photo, never what is stored. */

const STEP = 20;
const USUAL = { brightness: 100, contrast: 100 };
const MOST = { brightness: 400, contrast: 300 };

/** Sliders named after what they change, a tick to keep it for the next photos, and a reset. */
export class PhotoLight {
  #photo;
  #panel;
  #now = { ...USUAL };

  /** @param {HTMLElement} photo  holds the picture @param {HTMLElement} panel  holds the sliders */
  constructor(photo, panel) {
    this.#photo = photo;
    this.#panel = panel;
    for (const name of Object.keys(USUAL)) {
      const slider = this.#slider(name);
      slider.max = String(MOST[name]);
      slider.addEventListener("input", () => this.#set(name, Number(slider.value)));
    }
    this.#show();
  }

  /** Another photo is open: light that was meant for one photo goes with it. */
  open() {
    if (!this.#panel.querySelector("[data-light-keep]").checked) this.reset();
  }

  /** @param {"brightness"|"contrast"} name @param {1|-1} way */
  step(name, way) {
    this.#set(name, this.#now[name] + way * STEP);
  }

  reset() {
    this.#now = { ...USUAL };
    this.#show();
  }

  get words() {
    return `Brightness ${this.#now.brightness} %, contrast ${this.#now.contrast} %.`;
  }

  #slider(name) {
    return this.#panel.querySelector(`[data-light=${name}]`);
  }

  #set(name, value) {
    this.#now = { ...this.#now, [name]: Math.min(Math.max(value, 20), MOST[name]) };
    this.#show();
  }

  #show() {
    const { brightness, contrast } = this.#now;
    const isUsual = brightness === USUAL.brightness && contrast === USUAL.contrast;
    this.#photo.style.filter = isUsual ? "" : `brightness(${brightness / 100}) contrast(${contrast / 100})`;
    this.#panel.toggleAttribute("data-changed", !isUsual);
    for (const name of Object.keys(USUAL)) {
      this.#slider(name).value = String(this.#now[name]);
      this.#panel.querySelector(`[data-light-value=${name}]`).textContent = `${this.#now[name]} %`;
    }
  }
}
