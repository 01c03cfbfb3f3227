// SPDX-License-Identifier: GPL-2.0
/* A Heatbath part on PCI as a uio device: BAR 0, the registers, is map 0, BAR 1, device memory, map 1, and BAR 2, the
 * list of couplers of a sparse part, map 2. Sizes of memory and list are those of the part's registers. The interrupt
 * is level-triggered: the handler masks it, and a 1 that is written to /dev/uioN lets it come again. */
#include <linux/interrupt.h>
#include <linux/io.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/uio_driver.h>

#include "heatbath/topology.h"

struct heatbath {
  struct uio_info uio;
  spinlock_t lock;
  bool masked;
};

static irqreturn_t heatbath_interrupt(int irq, struct uio_info *uio)
{
  struct heatbath *part = uio->priv;
  bool tell;

  spin_lock(&part->lock);
  tell = !part->masked;
  if (tell)
    disable_irq_nosync(irq);
  part->masked = true;
  spin_unlock(&part->lock);
  return tell ? IRQ_HANDLED : IRQ_NONE;
}

static int heatbath_irqcontrol(struct uio_info *uio, s32 on)
{
  struct heatbath *part = uio->priv;
  unsigned long flags;

  spin_lock_irqsave(&part->lock, flags);
  if (on && part->masked)
    enable_irq(uio->irq);
  if (!on && !part->masked)
    disable_irq_nosync(uio->irq);
  part->masked = !on;
  spin_unlock_irqrestore(&part->lock, flags);
  return 0;
}

static void heatbath_map(struct pci_dev *pci, struct uio_info *uio, int bar, const char *name, u64 bytes)
{
  uio->mem[bar].name = name;
  uio->mem[bar].addr = pci_resource_start(pci, bar);
  uio->mem[bar].size = PAGE_ALIGN(bytes); /* the kernel maps whole pages */
  uio->mem[bar].memtype = UIO_MEM_PHYS;
}

static int heatbath_probe(struct pci_dev *pci, const struct pci_device_id *id)
{
  struct heatbath *part = devm_kzalloc(&pci->dev, sizeof(*part), GFP_KERNEL);
  void __iomem *registers;
  u64 memory, list;
  u32 format;
  int error;

  if (!part)
    return -ENOMEM;
  error = pcim_enable_device(pci);
  if (!error)
    error = pcim_iomap_regions(pci, BIT(0), "heatbath");
  if (error)
    return error;
  registers = pcim_iomap_table(pci)[0];
  memory = readl(registers + HB_CAPS_MEMORY_LO_OFFSET) | (u64)readl(registers + HB_CAPS_MEMORY_HI_OFFSET) << 32;
  format = readl(registers + HB_CAPS_PARAM_FORMAT_OFFSET);
  list = hb_topology_bytes(readl(registers + HB_CAPS_COUPLERS_OFFSET),
                           readl(registers + HB_CAPS_OFFSET) & HB_CAPS_GRAPH_COUPLINGS_MASK,
                           (format & HB_CAPS_PARAM_FORMAT_LAYOUT_MASK) >> HB_CAPS_PARAM_FORMAT_LAYOUT_SHIFT ==
                             HB_CAPS_PARAM_FORMAT_LAYOUT_FULL);
  if (memory > pci_resource_len(pci, 1) || list > pci_resource_len(pci, 2))
    return dev_err_probe(&pci->dev, -EINVAL, "a BAR is smaller than the registers say\n");

  spin_lock_init(&part->lock);
  part->uio.priv = part;
  part->uio.name = "heatbath";
  part->uio.version = "1";
  part->uio.irq = pci->irq;
  part->uio.handler = heatbath_interrupt;
  part->uio.irqcontrol = heatbath_irqcontrol;
  heatbath_map(pci, &part->uio, 0, "registers", HB_WINDOW_BYTES);
  heatbath_map(pci, &part->uio, 1, "memory", memory);
  if (list)
    heatbath_map(pci, &part->uio, 2, "couplers", list);
  return devm_uio_register_device(&pci->dev, &part->uio);
}

static const struct pci_device_id heatbath_ids[] = { { PCI_DEVICE(0x1234, 0x4842) }, {} };
MODULE_DEVICE_TABLE(pci, heatbath_ids);

static struct pci_driver heatbath_driver = {
  .name = "heatbath_uio",
  .id_table = heatbath_ids,
  .probe = heatbath_probe,
};
module_pci_driver(heatbath_driver);
MODULE_DESCRIPTION("Heatbath part as a uio device");
MODULE_LICENSE("GPL");
