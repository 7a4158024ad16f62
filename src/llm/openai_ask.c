/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <string.h>

#include "base/base64.h"
#include "base/json.h"
#include "llm/openai.h"

/* What a server is asked. */

static const char *const role_names[] = {
	[LLM_SYSTEM] = "system",
	[LLM_USER] = "user",
	[LLM_ASSISTANT] = "assistant",
};

/* What OpenAI accepts as a name; it answers 400 to others. */
static bool name_fits(const char *s)
{
	static const char ok[] = "abcdefghijklmnopqrstuvwxyz"
				 "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
	size_t n = strspn(s, ok);

	return n > 0 && n <= 64 && s[n] == '\0';
}

static void add_image(struct jwrite *w, const struct llm_image *i)
{
	jw_object(w, NULL);
	jw_str(w, "type", "image_url");
	jw_object(w, "image_url");
	jw_raw(w, "url", "\"data:");
	(void)buf_addf(w->out, "%s;base64,", i->type);
	(void)base64_add(w->out, i->bytes, i->len);
	(void)buf_addc(w->out, '"');
	jw_object_end(w);
	jw_object_end(w);
}

/* A list of parts only where there are images: not all servers take one. */
static void add_content(struct jwrite *w, const struct llm_msg *m)
{
	size_t i;

	if (m->nimages == 0) {
		jw_str(w, "content", m->text);
		return;
	}
	jw_array(w, "content");
	jw_object(w, NULL);
	jw_str(w, "type", "text");
	jw_str(w, "text", m->text);
	jw_object_end(w);
	for (i = 0; i < m->nimages; i++)
		add_image(w, &m->images[i]);
	jw_array_end(w);
}

int openai_messages(struct buf *out, const struct llm_msg *msgs, size_t n)
{
	struct jwrite w;
	size_t i;

	jw_init(&w, out);
	jw_array(&w, NULL);
	for (i = 0; i < n; i++) {
		jw_object(&w, NULL);
		jw_str(&w, "role", role_names[msgs[i].role]);
		if (msgs[i].name && name_fits(msgs[i].name))
			jw_str(&w, "name", msgs[i].name);
		add_content(&w, &msgs[i]);
		jw_object_end(&w);
	}
	jw_array_end(&w);
	return out->failed ? -1 : 0;
}

int openai_request(struct buf *out, const char *model, const char *messages,
		   int max_tokens, const struct openai_dialect *d)
{
	struct jwrite w;

	jw_init(&w, out);
	jw_object(&w, NULL);
	jw_str(&w, "model", model);
	jw_raw(&w, "messages", messages);
	jw_bool(&w, "stream", true);
	if (!d->no_usage)
		jw_raw(&w, "stream_options", "{\"include_usage\":true}");
	if (max_tokens > 0)
		jw_int(&w,
		       d->max_completion ? "max_completion_tokens"
					 : "max_tokens",
		       max_tokens);
	jw_object_end(&w);
	return out->failed ? -1 : 0;
}
