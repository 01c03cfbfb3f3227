/* The version of Heatbath that a program is compiled against. THE place where it stands: the build reads it here. */
#ifndef HEATBATH_VERSION_H
#define HEATBATH_VERSION_H

/* Version of the software: numbers of its three parts. */
#define HEATBATH_VERSION_MAJOR 0
#define HEATBATH_VERSION_MINOR 1
#define HEATBATH_VERSION_PATCH 0

/* "0.1.0" */
#define HEATBATH_VERSION_TEXT_(major, minor, patch) #major "." #minor "." #patch
#define HEATBATH_VERSION_TEXT_OF_(major, minor, patch) HEATBATH_VERSION_TEXT_(major, minor, patch)
#define HEATBATH_VERSION HEATBATH_VERSION_TEXT_OF_(HEATBATH_VERSION_MAJOR, HEATBATH_VERSION_MINOR, HEATBATH_VERSION_PATCH)

/* A number that grows with the version: 100 for 0.1.0, 10203 for 1.2.3. */
#define HEATBATH_VERSION_NUMBER (10000 * HEATBATH_VERSION_MAJOR + 100 * HEATBATH_VERSION_MINOR + HEATBATH_VERSION_PATCH)

#endif
