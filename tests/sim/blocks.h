/* SPDX-License-Identifier: ISC */
#ifndef SIM_BLOCKS_H
#define SIM_BLOCKS_H

/* NULL, or Slack's word for what is wrong with this JSON text. */
const char *blocks_check(const char *json);
const char *metadata_check(const char *json);
const char *attachments_check(const char *json);

#endif
