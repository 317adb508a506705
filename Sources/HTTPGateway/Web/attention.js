// That something waits, told to somebody who looks elsewhere: in the title, the icon, by a sound and a notification, as they like it.

const PLAIN = document.querySelector("link[rel=icon]")?.href;
const BADGED = PLAIN?.replace("%3C/svg%3E", "%3Ccircle cx='12.5' cy='3.5' r='3.5' fill='%23d92d20'/%3E%3C/svg%3E");
const WISHES = "tandem:attention";

export class Attention {
  constructor(signal) {
    this.signal = signal;
    this.told = new Set();
    const sound = document.getElementById("set-sound"), notes = document.getElementById("set-notify");
    sound.checked = this.wishes.sound === true;
    notes.checked = this.wishes.notify === true && this.mayNotify;
    notes.disabled = !("Notification" in window);
    sound.addEventListener("change", () => {
      this.keep({ sound: sound.checked });
      if (sound.checked) this.ring();
    }, { signal });
    notes.addEventListener("change", async () => {
      const granted = notes.checked && await Notification.requestPermission() === "granted";
      document.getElementById("notify-note").textContent = notes.checked && !granted ? "This browser does not allow it for this page." : "";
      notes.checked = granted;
      this.keep({ notify: granted });
    }, { signal });
    signal.addEventListener("abort", () => this.clear());
  }

  get mayNotify() { return "Notification" in window && Notification.permission === "granted"; }

  get wishes() {
    try {
      return JSON.parse(localStorage.getItem(WISHES)) ?? {};
    } catch {
      return {};
    }
  }

  keep(change) {
    try {
      localStorage.setItem(WISHES, JSON.stringify({ ...this.wishes, ...change }));
    } catch {
      // For this visit only.
    }
  }

  /** How many things wait for this visitor, and under which title they wait. */
  show(count, title) {
    const text = count ? `(${count}) ${title}` : title;
    if (document.title !== text) document.title = text;
    const icon = document.querySelector("link[rel=icon]");
    const wanted = count ? BADGED : PLAIN;
    if (icon && wanted && icon.href !== wanted) icon.href = wanted;
  }

  /** Something new waits for this visitor. */
  tell(id, sentence) {
    if (this.told.has(id)) return;
    this.told.add(id);
    if (this.wishes.sound) this.ring();
    if (this.wishes.notify && this.mayNotify && (document.hidden || !document.hasFocus())) {
      const note = new Notification("Tandem", { body: sentence, tag: id });
      note.onclick = () => { window.focus(); note.close(); };
    }
  }

  /** Two soft tones; made here, so nothing is loaded for it. */
  ring() {
    try {
      this.audio ??= new AudioContext();
      [[660, 0], [880, 0.12]].forEach(([pitch, after]) => {
        const tone = this.audio.createOscillator(), volume = this.audio.createGain();
        const at = this.audio.currentTime + after;
        tone.frequency.value = pitch;
        volume.gain.setValueAtTime(0.0001, at);
        volume.gain.exponentialRampToValueAtTime(0.12, at + 0.02);
        volume.gain.exponentialRampToValueAtTime(0.0001, at + 0.25);
        tone.connect(volume).connect(this.audio.destination);
        tone.start(at);
        tone.stop(at + 0.3);
      });
    } catch {
      // A browser without sound stays silent.
    }
  }

  clear() {
    this.show(0, "Tandem");
    this.audio?.close();
  }
}
