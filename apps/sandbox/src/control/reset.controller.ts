import { Controller, HttpCode, Inject, Post } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Database } from '@throughline/postgres';
import { DATABASE } from '@throughline/service';
import { FaultBox } from '../faults/fault-box.js';
import { seedStore } from '../medusa/seed.js';
import { tables } from '../migrations/1732200000000-initial.js';

@ApiTags('control')
@Controller('sandbox')
export class ResetController {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    @Inject(FaultBox) private readonly faults: FaultBox,
  ) {}

  @Post('reset')
  @HttpCode(204)
  @ApiOperation({ summary: 'Empties all three vendors, the webhook queue and the faults.' })
  async reset(): Promise<void> {
    await this.database.query({ name: 'reset', text: `TRUNCATE ${tables.join(', ')}` });
    await this.faults.load();
    await seedStore(this.database);
  }
}
