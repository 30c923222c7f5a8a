import { z } from "zod";
import { defineSlice } from "../slice.ts";
import { strongSecret } from "../texts.ts";

/** As long as the contract's own tokens. */
const MIN_TOKEN_CHARS = 40;

/** The first owner, made when the API starts. */
export const ownerSlice = defineSlice({
  name: "owner",
  schema: z
    .object({
      email: z.email("must be an e-mail address").optional(),
      token: strongSecret(MIN_TOKEN_CHARS)
        .refine((token) => !/\s/.test(token.reveal()), "must not contain blanks")
        .optional(),
    })
    .refine(({ email, token }) => (email === undefined) === (token === undefined), {
      path: ["token"],
      message: "must be set together with BUCKETBRIDGE_OWNER_EMAIL",
    }),
  variables: {
    email: {
      env: "BUCKETBRIDGE_OWNER_EMAIL",
      defaultText: "npm start: owner@example.com",
      meaning: "e-mail address of the first owner, who is made when the API starts",
    },
    token: {
      env: "BUCKETBRIDGE_OWNER_TOKEN",
      defaultText: "npm start: made and printed",
      meaning: "the owner's token, 40 characters or more",
      secret: true,
    },
  },
});
