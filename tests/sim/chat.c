/* SPDX-License-Identifier: ISC */
#include "sim/client.h"
int chat_main(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	return 0;
}
