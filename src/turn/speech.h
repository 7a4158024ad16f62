/* SPDX-License-Identifier: ISC */
#ifndef TURN_SPEECH_H
#define TURN_SPEECH_H

struct buf;

/*
 * How a model is told who said what and when:
 *
 *     Ada [2026-01-02 09:14]: is it here?
 *         or there?
 *
 * A name stands at the start of a line and nowhere else, and has none of the
 * characters around it: further lines are indented, so that no text can begin
 * to speak for another person or for the model. Appends to out, whose failure
 * tells the caller; any bytes may be in name and text.
 */

/* id, unless NULL, tells this person from others of that name: "Ada <@U1>". */
void speech_write(struct buf *out, const char *name, const char *id,
		  const char *when, const char *text);

/*
 * The text alone: without control characters and what can't be seen or turns
 * the direction of writing, and with a space in what models take for the end
 * of a turn ("<|im_end|>", "[INST]"). Each line but the first begins with
 * indent.
 */
void speech_clean(struct buf *out, const char *text, const char *indent);

#endif
