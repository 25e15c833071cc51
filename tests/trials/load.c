/* Asks over UDP, and says how fast, how long it took and what was lost.

   load ADDRESS PORT FILE SOURCE COUNT RATE SECONDS EVERY

   FILE has queries in wire format, each behind its length in two octets; they
   are asked in turn.  COUNT sockets ask from SOURCE and the addresses above it.
   RATE is in queries a second; 0 asks as fast as there are answers, with 512 on
   their way.  Each EVERY seconds, and at the end, a line:

   seconds sent answered lost p50 p99 max (in microseconds)

   In C, because what it measures answers some 300,000 queries a second. */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum { BATCH = 32, WINDOW = 512, SLOTS = 20000, SLOT = 10, PATIENCE = 2000000000 };

static int64_t now(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

/* How long answers took, in slots of ten microseconds; the last has the rest. */
static uint32_t took[SLOTS];

static int part(double of) {
	uint64_t all = 0, seen = 0;
	for (int i = 0; i < SLOTS; i++) all += took[i];
	for (int i = 0; i < SLOTS; i++)
		if ((seen += took[i]) && seen >= of * all) return i * SLOT;
	return -1;
}

int main(int count, char **words) {
	if (count != 9) return fprintf(stderr, "see the top of load.c\n"), 2;
	FILE *file = fopen(words[3], "rb");
	static uint8_t *query[1 << 20];
	static uint16_t length[1 << 20];
	size_t queries = 0;
	for (uint8_t head[2]; file && queries < 1 << 20 && fread(head, 2, 1, file) == 1; queries++) {
		length[queries] = head[0] << 8 | head[1];
		query[queries] = malloc(length[queries]);
		if (fread(query[queries], length[queries], 1, file) != 1) return 2;
	}
	int sockets = atoi(words[5]);
	int64_t rate = atoll(words[6]), end, line, every = atof(words[8]) * 1e9;
	if (!queries || sockets < 1 || sockets > 64) return 2;
	int fd[64];
	static int64_t sent_at[64][65536];
	uint32_t next[64] = {0}, oldest[64] = {0};
	for (int i = 0; i < sockets; i++) {
		struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(atoi(words[2]))}, from = {.sin_family = AF_INET};
		int room = 4 << 20;
		inet_pton(AF_INET, words[1], &to.sin_addr);
		from.sin_addr.s_addr = htonl(ntohl(inet_addr(words[4])) + i);
		fd[i] = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
		setsockopt(fd[i], SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
		if (bind(fd[i], (void *)&from, sizeof from) || connect(fd[i], (void *)&to, sizeof to)) return perror("load"), 1;
	}
	static uint8_t out[BATCH][512], in[BATCH][4096];
	struct iovec to[BATCH], from[BATCH];
	struct mmsghdr outs[BATCH] = {0}, ins[BATCH] = {0};
	for (int i = 0; i < BATCH; i++) {
		outs[i].msg_hdr.msg_iov = &to[i], outs[i].msg_hdr.msg_iovlen = 1, to[i].iov_base = out[i];
		ins[i].msg_hdr.msg_iov = &from[i], ins[i].msg_hdr.msg_iovlen = 1, from[i].iov_base = in[i], from[i].iov_len = 4096;
	}
	uint64_t sent = 0, answered = 0, lost = 0, waiting = 0, at = 0, told[3] = {0}, longest = 0;
	int64_t start = now(), t = start;
	end = start + (int64_t)(atof(words[7]) * 1e9), line = start + every;
	for (int turn = 0, with = 0; t < end || (waiting && t < end + PATIENCE); turn = (turn + 1) % sockets, t = now()) {
		int64_t may = t >= end ? 0 : rate ? (int64_t)((t - start) / 1e9 * rate) - (int64_t)sent : WINDOW - (int64_t)waiting;
		/* Who is late does not make up for it all at once. */
		int n = may > BATCH ? BATCH : may < 0 ? 0 : may, put = 0;
		for (int i = 0; i < n; i++, at++) {
			uint16_t id = next[with] + i;
			memcpy(out[i], query[at % queries], to[i].iov_len = length[at % queries]);
			out[i][0] = id >> 8, out[i][1] = id;
		}
		if (n && (put = sendmmsg(fd[with], outs, n, 0)) > 0) {
			for (int i = 0; i < put; i++) {
				int64_t *slot = &sent_at[with][(uint16_t)next[with]++];
				if (*slot) lost++, waiting--;
				*slot = t;
			}
			sent += put, waiting += put;
			/* All ask as often, however fast that is. */
			with = (with + 1) % sockets;
		}
		at -= n - (put > 0 ? put : 0);
		int got = recvmmsg(fd[turn], ins, BATCH, 0, NULL);
		if (got > 0) t = now();
		for (int i = 0; i < got; i++) {
			int64_t *slot = &sent_at[turn][in[i][0] << 8 | in[i][1]];
			if (!*slot) continue;
			uint64_t micro = (t - *slot) / 1000;
			took[micro / SLOT < SLOTS ? micro / SLOT : SLOTS - 1]++;
			if (micro > longest) longest = micro;
			*slot = 0, answered++, waiting--;
		}
		/* What has not come by now does not come. */
		for (; oldest[turn] != next[turn]; oldest[turn]++) {
			int64_t *slot = &sent_at[turn][(uint16_t)oldest[turn]];
			if (*slot && t - *slot < PATIENCE) break;
			if (*slot) lost++, waiting--, *slot = 0;
		}
		if (t >= line && t < end) {
			line += every;
			printf("%.0f %lu %lu %lu %d %d %lu\n", (t - start) / 1e9, sent - told[0], answered - told[1], lost - told[2], part(.5), part(.99), longest);
			fflush(stdout);
			told[0] = sent, told[1] = answered, told[2] = lost, longest = 0;
			memset(took, 0, sizeof took);
		}
		if (!put && got <= 0 && turn == 0) nanosleep(&(struct timespec){0, 20000}, NULL);
	}
	lost += waiting;
	printf("%.0f %lu %lu %lu %d %d %lu\n", (now() - start) / 1e9, sent - told[0], answered - told[1], lost - told[2], part(.5), part(.99), longest);
	return 0;
}
