import { byId } from "../dom.js";

/** Language tag of the dub's texts. */
export const dubLanguage = () => byId("review").dataset.language;
