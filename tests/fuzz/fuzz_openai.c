/* SPDX-License-Identifier: ISC */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "llm/openai.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int on_text(const char *p, size_t n, void *arg)
{
	(void)arg;
	if (p && (n == 0 || memchr(p, '\0', n)))
		abort();
	return 0;
}

static void feed_answer(const char *p, size_t size, size_t step)
{
	struct openai a;
	enum llm_end end;
	size_t n;
	int rc = 0;

	openai_init(&a, on_text, NULL);
	while (size > 0 && rc == 0) {
		n = step < size ? step : size;
		rc = openai_feed(&a, p, n);
		p += n;
		size -= n;
	}
	end = openai_end(&a);
	if (end != LLM_DONE && end != LLM_LENGTH && a.msg[0] == '\0')
		abort();
	openai_release(&a);
}

static void feed_refusal(const uint8_t *data, size_t size)
{
	struct openai_dialect d = { 0 };
	char *body = malloc(size + 1);
	struct openai a;

	if (!body)
		return;
	memcpy(body, data, size);
	body[size] = '\0';
	openai_init(&a, on_text, NULL);
	if (openai_refusal(&a, 400, body, size, &d) == LLM_DONE)
		abort();
	/* A word of the server's, and no sentence. */
	if (strncmp(a.msg, "HTTP 400", 8) != 0 || strlen(a.msg) > 64 ||
	    strchr(a.msg + 10, ' '))
		abort();
	openai_release(&a);
	free(body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0 || size > 1 << 16)
		return 0;
	feed_answer((const char *)data, size, size);
	feed_answer((const char *)data, size, data[size - 1] % 31 + 1);
	feed_refusal(data, size);
	return 0;
}
