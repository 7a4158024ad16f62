/* SPDX-License-Identifier: ISC */
#ifndef ADMIN_PAGE_HTML_H
#define ADMIN_PAGE_HTML_H

/* page.html, as embed-page.sh found it. */
extern const char page_html_text[];

#endif
