/** One camera of this computer: switched on and off, and photos taken from it. No DOM but the video it shows in. */

/** As much as a camera has: a browser gives the nearest it can. */
const LARGEST = { width: { ideal: 4096 }, height: { ideal: 2160 } };
const JPEG_QUALITY = 0.95;
const FIRST_PICTURE_MS = 10_000;
const INSECURE =
  "Browsers give the camera only to pages whose address begins with https://, or with localhost. " +
  "Ask whoever runs Facet for such an address.";
const DENIED =
  "This page may not use the camera. Allow it in the browser, at the left of the address, " +
  "and in the system's privacy settings; then try again.";
const NONE = "There is no camera. Plug one in, then try again.";
const BUSY = "The camera does not start. Another program or tab may be using it: close that one, then try again.";
const TROUBLES = {
  NotAllowedError: DENIED,
  SecurityError: DENIED,
  NotFoundError: NONE,
  OverconstrainedError: "The camera you chose is not there any more. Choose another one, then try again.",
  NotReadableError: BUSY,
  AbortError: BUSY,
  TimeoutError: "The camera is on, but sends no picture. Unplug it and plug it in again, then try again.",
};

/** Why there is no picture, in words for the person in front of it. */
export class CameraTrouble extends Error {}

/** Fires "ended" when the camera is unplugged or taken away while it is on. */
export class Camera extends EventTarget {
  #video;
  /** @type {MediaStream|null} */ #stream = null;
  /** @type {number} grows with each start and stop, so that a slow start knows it is no longer wanted */ #turn = 0;

  /** @param {HTMLVideoElement} video */
  constructor(video) {
    super();
    this.#video = video;
  }

  get isOn() {
    return this.#stream !== null && this.#video.videoWidth > 0;
  }

  get track() {
    return this.#stream?.getVideoTracks()[0] ?? null;
  }

  get deviceId() {
    return this.track?.getSettings().deviceId ?? "";
  }

  get label() {
    return this.track?.label ?? "";
  }

  /** A camera that looks away from the person is shown as it sees, every other one as a mirror. */
  get isMirror() {
    return this.track?.getSettings().facingMode !== "environment";
  }

  get size() {
    return { width: this.#video.videoWidth, height: this.#video.videoHeight };
  }

  /**
   * Raises CameraTrouble.
   * @param {string} [deviceId]  empty for the one the browser proposes
   * @returns {Promise<boolean>} false when it was switched off again meanwhile
   */
  async start(deviceId = "") {
    this.stop();
    if (!navigator.mediaDevices?.getUserMedia) throw new CameraTrouble(INSECURE);
    const turn = this.#turn;
    const video = deviceId ? { deviceId: { exact: deviceId }, ...LARGEST } : LARGEST;
    try {
      const stream = await navigator.mediaDevices.getUserMedia({ video, audio: false });
      if (turn !== this.#turn) return switchOff(stream);
      this.#stream = stream;
      this.track.addEventListener("ended", () => this.#lost(stream), { once: true });
      this.#video.srcObject = stream;
      await pictureIn(this.#video);
    } catch (error) {
      if (turn !== this.#turn) return false;
      this.stop();
      throw new CameraTrouble(TROUBLES[error.name] ?? `The camera does not start: ${error.message}`);
    }
    return turn === this.#turn;
  }

  stop() {
    this.#turn += 1;
    if (this.#stream) switchOff(this.#stream);
    this.#stream = null;
    this.#video.srcObject = null;
  }

  /** What the camera sees now, in full and not mirrored. @returns {Promise<{blob: Blob, canvas: HTMLCanvasElement}>} */
  async takePhoto() {
    if (!this.isOn) throw new CameraTrouble("The camera is off. Switch it on, then try again.");
    const canvas = Object.assign(document.createElement("canvas"), this.size);
    canvas.getContext("2d").drawImage(this.#video, 0, 0);
    const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", JPEG_QUALITY));
    if (!blob) throw new CameraTrouble("This browser could not make a JPEG of the picture: it has too little memory.");
    return { blob, canvas };
  }

  #lost(stream) {
    if (stream !== this.#stream) return;
    this.stop();
    this.dispatchEvent(new Event("ended"));
  }
}

/** Names are empty until the person has allowed the camera. @returns {Promise<{id: string, name: string}[]>} */
export async function camerasHere() {
  const devices = (await navigator.mediaDevices?.enumerateDevices?.()) ?? [];
  const cameras = devices.filter(({ kind, deviceId }) => kind === "videoinput" && deviceId);
  return cameras.map(({ deviceId, label }, place) => ({ id: deviceId, name: label || `Camera ${place + 1}` }));
}

/** Whether the person has allowed the camera before, so that switching it on asks nothing. */
export async function isAllowed() {
  try {
    return (await navigator.permissions.query({ name: "camera" })).state === "granted";
  } catch {
    return false; // a browser that cannot say will ask
  }
}

function switchOff(stream) {
  for (const track of stream.getTracks()) track.stop();
  return false;
}

/** Until it plays: some browsers load nothing of a camera before they are asked to. */
async function pictureIn(video) {
  const clock = AbortSignal.timeout(FIRST_PICTURE_MS);
  const tooLate = new Promise((_, reject) => {
    clock.addEventListener("abort", () => reject(clock.reason), { once: true });
  });
  await Promise.race([video.play(), tooLate]);
}
