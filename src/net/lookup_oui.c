/*
 * The makers of MAC addresses, out of the IEEE's list.
 */
#define _GNU_SOURCE /* memmem, memrchr */

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <rsthop/lookup_oui.h>

/* The first two bits of a MAC's first octet (IEEE 802, clause 8.2). */
#define OUI_GROUP 0x01
#define OUI_LOCAL 0x02

static const char *const oui_paths[] = {
    "/usr/share/ieee-data/oui.txt", "/var/lib/ieee-data/oui.txt"};

/*
 * The length of the well-formed UTF-8 sequence at p (RFC 3629, section 4),
 * 0 where there is none or it is a control character.
 */
static size_t
oui_utf8_len(const unsigned char *p)
{
	size_t n;
	uint32_t v;

	if (p[0] < 0x80)
		return p[0] >= 0x20 && p[0] != 0x7f;
	n = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
	if (p[0] < 0xc2 || p[0] > 0xf4)
		return 0;
	v = p[0] & (0x7fU >> n);
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80) /* the NUL ends it too */
			return 0;
		v = v << 6 | (p[i] & 0x3f);
	}
	if (v < 0xa0 || (n == 3 && v < 0x800) || (n == 4 && v < 0x10000) ||
	    v > 0x10ffff || (v >= 0xd800 && v < 0xe000))
		return 0;
	return n;
}

static void
oui_copy_clean(const char *s, char out[LOOKUP_VENDOR])
{
	const unsigned char *p = (const unsigned char *)s;
	size_t len = 0, n;

	while (*p != '\0') {
		n = oui_utf8_len(p);
		if (len + n >= LOOKUP_VENDOR)
			break;
		memcpy(out + len, p, n);
		len += n;
		p += n > 0 ? n : 1;
	}
	while (len > 0 && out[len - 1] == ' ')
		len--;
	out[len] = '\0';
}

/* A line as "58-69-6C   (hex)\t\tRuijie Networks Co.,LTD". */
static bool
oui_match(const char *line, const char key[9], char out[LOOKUP_VENDOR])
{
	const char *p;

	if (strncmp(line, key, 8) != 0)
		return false;
	p = line + 8 + strspn(line + 8, " \t");
	if (strncmp(p, "(hex)", 5) != 0)
		return false;
	p += 5;
	oui_copy_clean(p + strspn(p, " \t"), out);
	return true;
}

/* The line within p[0 .. n) that begins with the key; whole lines only. */
static bool
oui_find(char *p, size_t n, const char key[9], char out[LOOKUP_VENDOR])
{
	char *end = p + n, *hit = p, *eol;

	while ((hit = memmem(hit, (size_t)(end - hit), key, 8)) != NULL) {
		eol = memchr(hit, '\n', (size_t)(end - hit));
		if (eol == NULL)
			return false;
		*eol = '\0';
		if ((hit == p || hit[-1] == '\n') && oui_match(hit, key, out))
			return true;
		*eol = '\n';
		hit += 8;
	}
	return false;
}

int
lookup_scan_oui(FILE *fp, const uint8_t mac[ADDR_MAC], char out[LOOKUP_VENDOR])
{
	char key[9], *last;
	static const size_t cap = 256 * 1024;
	size_t n, kept = 0, got;
	char *buf = malloc(cap + 1);
	int found = 0;

	if (buf == NULL)
		return 0;
	snprintf(key, sizeof(key), "%02X-%02X-%02X", mac[0], mac[1], mac[2]);
	do {
		got = fread(buf + kept, 1, cap - kept, fp);
		n = kept + got;
		if (got == 0 && n > 0 && n < cap)
			buf[n++] = '\n'; /* the last line may lack it */
		found = oui_find(buf, n, key, out);
		/* What follows the last newline is the next line's head. */
		last = memrchr(buf, '\n', n);
		kept = last == NULL ? n : (size_t)(buf + n - (last + 1));
		if (kept == cap) /* no list has such a line */
			kept = 0;
		memmove(buf, buf + n - kept, kept);
	} while (found == 0 && got > 0);
	free(buf);
	return found;
}

void
lookup_vendor(const uint8_t mac[ADDR_MAC], char out[LOOKUP_VENDOR])
{
	FILE *fp;
	int found = 0;

	out[0] = '\0';
	if ((mac[0] & (OUI_GROUP | OUI_LOCAL)) != 0)
		return;
	for (size_t i = 0; i < sizeof(oui_paths) / sizeof(oui_paths[0]); i++) {
		fp = fopen(oui_paths[i], "re");
		if (fp == NULL)
			continue;
		found = lookup_scan_oui(fp, mac, out);
		fclose(fp);
		if (found != 0)
			return;
	}
}
