type Control = HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement;

/** Texts by column; null is no value. */
export type Texts = Record<string, string | null>;

/** What somebody typed and did not save. */
export interface KeptField {
  name: string;
  label: string;
  text: string | null;
}

/** A field that both the person and somebody else changed. */
interface Clash {
  mine: string | null;
  theirs: string | null;
  chosen?: "yours" | "theirs";
  element: HTMLElement;
}

/** The form of a record in the page: its values, what they were made from, and marks on its fields. */
export class RecordFields {
  readonly form: HTMLFormElement;
  #base: Texts;
  #clashes = new Map<string, Clash>();

  constructor(form: HTMLFormElement) {
    this.form = form;
    const stored = form.querySelector<HTMLInputElement>("[name=base]");
    this.#base = JSON.parse(stored?.value ?? "{}");
  }

  get version(): string {
    return this.#hidden("version").value;
  }

  set version(version: string) {
    this.#hidden("version").value = version;
  }

  /** Columns whose values differ from what is stored. */
  changed(): string[] {
    return Object.keys(this.#base).filter((name) => this.#differs(name));
  }

  /** Marks what is changed; resolves to how many fields are. */
  mark(): number {
    const changed = new Set(this.changed());
    for (const field of this.#fields()) {
      const name = field.dataset.name!;
      field.classList.toggle("is-changed", changed.has(name));
      if (changed.has(name)) field.title = wasText(this.#base[name]);
      else field.removeAttribute("title");
    }
    return changed.size;
  }

  value(name: string): string | null {
    const control = this.#control(name);
    if (!control) return null;
    const { value } = control;
    if (value !== "") return value;
    const box = this.#nullBox(name);
    if (box) return box.checked ? null : "";
    return this.#base[name] === "" ? "" : null;
  }

  /** The values of the fields that were changed. */
  draft(): Texts {
    return Object.fromEntries(this.changed().map((name) => [name, this.value(name)]));
  }

  kept(): KeptField[] {
    return this.changed().map((name) => ({
      name,
      label: this.label(name),
      text: this.value(name),
    }));
  }

  label(name: string): string {
    const label = this.#field(name)?.querySelector("label");
    return label?.firstChild?.textContent ?? name;
  }

  /** Whether the form has such a field to fill in. */
  has(name: string): boolean {
    return this.#control(name) !== null;
  }

  set(name: string, text: string | null): void {
    const control = this.#control(name);
    const field = this.#field(name);
    if (!control) {
      const fixed = field?.querySelector<HTMLInputElement>("input[readonly]");
      if (fixed) fixed.value = text || "—";
      return;
    }
    control.value = (text ?? "").replaceAll("\r\n", "\n");
    const box = this.#nullBox(name);
    if (box) box.checked = text === null;
    // Others who look at the control, such as the picker of a reference, hear of it.
    control.dispatchEvent(new Event("input", { bubbles: true }));
  }

  /** Puts back what is stored. */
  reset(): void {
    for (const name of this.changed()) this.set(name, this.#base[name]);
    this.clearClashes();
    this.mark();
  }

  rebase(name: string, text: string | null): void {
    if (!(name in this.#base)) return;
    this.#base[name] = text;
    this.#hidden("base").value = JSON.stringify(this.#base);
  }

  /**
   * Takes over what somebody else stored. A field that the person changed to something else keeps its
   * input and gets a choice. Returns the labels of fields that were updated, and of those to choose.
   */
  land(fields: Texts, by: string): { updated: string[]; clashing: string[] } {
    for (const note of this.form.querySelectorAll(".landed-note")) note.remove();
    for (const field of this.#fields()) field.classList.remove("is-landed");
    const updated: string[] = [];
    const clashing: string[] = [];
    for (const [name, text] of Object.entries(fields)) {
      const shown = (text ?? "").replaceAll("\r\n", "\n");
      const field = this.#field(name);
      if (!field) continue;
      const control = this.#control(name);
      if (!control || !(name in this.#base)) {
        const fixed = field.querySelector<HTMLInputElement>("input[readonly]");
        if (fixed && fixed.value !== (text || "—")) {
          this.set(name, text);
          note(field, by);
        }
        continue;
      }
      const before = this.#base[name];
      const mine = this.#differs(name);
      this.rebase(name, text);
      if (before === text) continue;
      if (!mine) {
        if (control.value === shown && this.value(name) === text) continue;
        this.set(name, text);
        note(field, by);
        updated.push(this.label(name));
      } else if (this.#differs(name)) {
        this.#clash(name, text, by);
        clashing.push(this.label(name));
      } else this.#endClash(name);
    }
    this.mark();
    return { updated, clashing };
  }

  /** The first field of which nobody has chosen whose value stays. */
  get undecided(): HTMLElement | undefined {
    return [...this.#clashes.values()].find(({ chosen }) => chosen === undefined)?.element;
  }

  /** The first field that something is wrong with, or of which a choice is to be made. */
  get marked(): HTMLElement | null {
    return this.form.querySelector(".is-wrong, .field-clash:not(.is-decided)");
  }

  clearClashes(): void {
    for (const name of [...this.#clashes.keys()]) this.#endClash(name);
  }

  /** Shows what is wrong beside the fields, or takes it away. */
  setErrors(problems: Record<string, string>): void {
    for (const field of this.#fields()) {
      const name = field.dataset.name!;
      const problem = problems[name];
      const control = this.#control(name);
      field.classList.toggle("is-wrong", problem !== undefined);
      control?.classList.toggle("is-invalid", problem !== undefined);
      const id = `${control?.id}-error`;
      for (const old of field.querySelectorAll(".invalid-feedback:not(.json-problem)")) {
        old.remove();
      }
      const described = (control?.getAttribute("aria-describedby") ?? "").split(" ")
        .filter((each) => each !== id && each !== "");
      if (problem !== undefined && control) {
        const error = element("div", "invalid-feedback d-block", problem);
        error.id = id;
        field.insertBefore(error, field.querySelector(":scope > .form-text"));
        described.unshift(id);
        control.setAttribute("aria-invalid", "true");
      } else control?.removeAttribute("aria-invalid");
      if (described.length > 0) control?.setAttribute("aria-describedby", described.join(" "));
    }
    const first = this.form.querySelector<HTMLElement>(".is-wrong .is-invalid");
    first?.focus();
  }

  /** Only looking, or editing. */
  setDisabled(disabled: boolean): void {
    const fieldset = this.form.querySelector<HTMLFieldSetElement>("fieldset.record-fields");
    if (fieldset) fieldset.disabled = disabled;
    const save = this.form.querySelector<HTMLButtonElement>(".save-bar [type=submit]");
    if (save) save.disabled = disabled;
  }

  /** Says in which fields people are: column to what is said. */
  setPresence(words: Map<string, string>): void {
    for (const field of this.#fields()) {
      const said = words.get(field.dataset.name!);
      const old = field.querySelector(".field-presence");
      field.classList.toggle("is-visited", said !== undefined);
      if (said === undefined) old?.remove();
      else if (old) old.textContent = said;
      else field.querySelector("label")?.append(element("span", "field-presence", said));
    }
  }

  /** The column of the field that an element is in. */
  columnOf(target: EventTarget | null): string | null {
    const field = target instanceof Element ? target.closest<HTMLElement>(".record-field") : null;
    return field && this.form.contains(field) ? field.dataset.name! : null;
  }

  #clash(name: string, theirs: string | null, by: string): void {
    const earlier = this.#clashes.get(name);
    const mine = earlier?.chosen === "theirs" ? earlier.mine : this.value(name);
    this.#endClash(name);
    const field = this.#field(name)!;
    const box = element("div", "field-clash");
    box.role = "radiogroup";
    box.ariaLabel = `${this.label(name)}: whose value stays`;
    const clash: Clash = { mine, theirs, element: box };
    box.append(element("p", "", `${by} changed this field too. Choose whose value stays.`));
    for (const side of ["theirs", "yours"] as const) {
      const label = element("label", "form-check");
      const radio = document.createElement("input");
      radio.type = "radio";
      radio.className = "form-check-input";
      radio.name = `keep.${name}`;
      radio.value = side;
      radio.onchange = () => {
        if (side === "theirs" && clash.chosen !== "theirs") {
          clash.mine = this.value(name);
          this.set(name, theirs);
        } else if (side === "yours" && clash.chosen === "theirs") this.set(name, clash.mine);
        clash.chosen = side;
        box.classList.add("is-decided");
      };
      const text = side === "theirs" ? theirs : mine;
      label.append(
        radio,
        element("span", "clash-side", side === "theirs" ? "Theirs: " : "Yours: "),
        element("span", "record-value", text === null ? "No value" : text || "Empty"),
      );
      box.append(label);
    }
    this.#clashes.set(name, clash);
    field.classList.add("is-clashing");
    this.#control(name)!.after(box);
  }

  #endClash(name: string): void {
    const clash = this.#clashes.get(name);
    if (!clash) return;
    clash.element.remove();
    this.#clashes.delete(name);
    this.#field(name)?.classList.remove("is-clashing");
  }

  #differs(name: string): boolean {
    const control = this.#control(name);
    if (!control) return false;
    const was = this.#base[name];
    const box = this.#nullBox(name);
    if (control.value !== (was ?? "").replaceAll("\r\n", "\n")) return true;
    return box !== null && control.value === "" && box.checked !== (was === null);
  }

  #fields(): HTMLElement[] {
    return [...this.form.querySelectorAll<HTMLElement>(".record-field")];
  }

  #field(name: string): HTMLElement | undefined {
    return this.#fields().find((field) => field.dataset.name === name);
  }

  #control(name: string): Control | null {
    return this.form.elements.namedItem(`v.${name}`) as Control | null;
  }

  #nullBox(name: string): HTMLInputElement | null {
    return this.form.elements.namedItem(`null.${name}`) as HTMLInputElement | null;
  }

  #hidden(name: string): HTMLInputElement {
    return this.form.querySelector<HTMLInputElement>(`input[type=hidden][name=${name}]`)!;
  }
}

function note(field: HTMLElement, by: string): void {
  field.classList.add("is-landed");
  const said = element("div", "landed-note", `${by} changed this just now`);
  field.querySelector(":scope > .form-text")?.before(said);
}

function element(tag: string, className: string, text?: string): HTMLElement {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

function wasText(was: string | null): string {
  return was === null ? "There was no value" : `Was: ${was.slice(0, 300)}`;
}
