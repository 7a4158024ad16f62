/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "sim/api.h"
#include "sim/control.h"
#include "sim/file.h"
#include "sim/http.h"
#include "sim/interact.h"
#include "sim/llm.h"
#include "sim/socket.h"

void serve(struct conn *c, struct request *r)
{
	if (strncmp(r->path, "/api/", 5) == 0)
		api_serve(c, r);
	else if (strcmp(r->path, "/link/") == 0)
		socket_upgrade(c, r);
	else if (strncmp(r->path, "/llm/", 5) == 0 ||
		 strncmp(r->path, "/v1/", 4) == 0)
		llm_serve(c, r);
	else if (strncmp(r->path, "/files/", 7) == 0)
		file_serve(c, r);
	else if (strncmp(r->path, "/hooks/", 7) == 0)
		hook_serve(c, r);
	else if (strncmp(r->path, "/ctl/", 5) == 0)
		control_serve(c, r);
	else
		http_reply(c, 404, "text/plain", NULL, "", 0);
}
